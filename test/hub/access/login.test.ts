import { expect, test } from 'vitest';
import type { SessionInfo } from '../../../src/schemas/types.ts';
import { useSession, beginSession, idleMs, longestMs } from '../../../src/state/access/sessions.ts';
import { addUser } from '../../../src/state/access/users.ts';
import { hubApi } from '../../../src/hub/routes/index.ts';
import { rightsOf, roles, type Role } from '../../../src/hub/access/rights.ts';
import { slowLogins } from '../../../src/hub/access/slow-logins.ts';
import { raw, type Answer } from '../../node/raw-request.ts';
import { temporaryState } from '../../state/temporary-state.ts';
import { expectDocumented } from '../../api/documented.ts';
import { servedHub, type ServedHub } from './served-hub.ts';

const password = 'four random words here';
type Headers = Record<string, string | undefined>;
const none = { authorization: undefined };
const page = { ...none, 'sec-fetch-site': 'same-origin' };
const routeOf = (id: string) => hubApi.routes.find((one) => one.id === id) ?? expect.fail(id);

const cookieOf = ({ headers }: Answer<unknown>): string => String(headers['set-cookie']).split(';')[0] ?? '';

const logIn = (at: ServedHub, name: string, more: Headers = page, secret = password) =>
  raw<SessionInfo>(at, 'POST', '/api/v1/session', JSON.stringify({ name, password: secret }), more);

async function withUser(
  at: ServedHub,
  name: string,
  role: Role,
  vms: readonly string[] | null = null,
): Promise<string> {
  await at.hub.access.addUser(name, password, { roles: [role], vms });
  return cookieOf(await logIn(at, name));
}

test('a user logs in, is known by the cookie, and logs out', async () => {
  await using at = await servedHub();
  await at.hub.access.addUser('anna', password, { roles: ['operator'], vms: null });
  const answer = await logIn(at, 'anna');
  expectDocumented(routeOf('login'), answer);
  expect(answer.body).toMatchObject({ user: 'anna', roles: ['operator'], vms: null });
  expect(String(answer.headers['set-cookie'])).toMatch(/^sendense=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  const cookie = cookieOf(answer);
  const mine = { ...page, cookie };
  const shown = await raw<SessionInfo>(at, 'GET', '/api/v1/session', '', mine);
  expectDocumented(routeOf('showSession'), shown);
  expect(shown.body).toEqual(answer.body);
  expect((await raw(at, 'GET', '/api/v1/nodes', '', mine)).status).toBe(200);
  // The database and the log know nothing of the secret, or of the password.
  expect(JSON.stringify(at.hub.access.sessions())).not.toContain(cookie.split('=')[1]);
  expect(JSON.stringify(at.lines)).not.toContain(password);
  expect(JSON.stringify(at.lines)).not.toContain(cookie.split('=')[1]);
  const gone = await raw(at, 'DELETE', '/api/v1/session', '', mine);
  expect([gone.status, String(gone.headers['set-cookie'])]).toEqual([204, expect.stringContaining('Max-Age=0')]);
  const after = await raw(at, 'GET', '/api/v1/session', '', mine);
  expect([after.status, after.body.error.code]).toEqual([401, 'access.login']);
});

test('a wrong password and an unknown user get the same answer', async () => {
  await using at = await servedHub();
  await at.hub.access.addUser('anna', password, { roles: ['viewer'], vms: null });
  const wrong = await logIn(at, 'anna', page, 'not this password');
  const unknown = await logIn(at, 'nobody', page, 'not this password');
  expectDocumented(routeOf('login'), wrong);
  expect([wrong.status, unknown.status]).toEqual([401, 401]);
  expect(unknown.body).toEqual(wrong.body);
});

test('a login begins a new session, whatever cookie came, and ends the old one', async () => {
  await using at = await servedHub();
  const first = await withUser(at, 'anna', 'viewer');
  const planted = `sendense=${'A'.repeat(43)}`;
  const second = cookieOf(await logIn(at, 'anna', { ...page, cookie: planted }));
  expect(second).not.toBe(planted);
  expect((await raw(at, 'GET', '/api/v1/session', '', { ...none, cookie: planted })).status).toBe(401);
  const third = cookieOf(await logIn(at, 'anna', { ...page, cookie: first }));
  const known = async (cookie: string): Promise<number> =>
    (await raw(at, 'GET', '/api/v1/session', '', { ...none, cookie })).status;
  expect([await known(first), await known(second), await known(third)]).toEqual([401, 200, 200]);
  expect(await known(`${second}; ${third}`)).toBe(401);
});

test('a page of another site can neither write with the cookie nor log somebody in', async () => {
  await using at = await servedHub();
  const cookie = await withUser(at, 'anna', 'admin');
  const write = async (headers: Headers): Promise<unknown> =>
    (await raw(at, 'POST', '/api/v1/session/fresh', JSON.stringify({ password }), { ...none, cookie, ...headers }))
      .status;
  const { host } = new URL(at.running.url);
  expect(await write({})).toBe(403);
  for (const site of ['cross-site', 'same-site', 'none']) expect(await write({ 'sec-fetch-site': site })).toBe(403);
  for (const origin of ['https://evil.example.com', 'null', `http://${host}.evil.example.com`])
    expect(await write({ origin })).toBe(403);
  expect(await write({ 'origin': `http://${host}`, 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect([await write({ origin: `http://${host}` }), await write({ 'sec-fetch-site': 'same-origin' })]).toEqual([
    200, 200,
  ]);
  const login = await logIn(at, 'anna', { ...none, 'sec-fetch-site': 'cross-site' });
  expect([login.status, login.headers['set-cookie']]).toEqual([403, undefined]);
});

test('who lets another name lead to the hub gets nothing', async () => {
  await using at = await servedHub();
  const cookie = await withUser(at, 'anna', 'admin');
  const as = async (host: string, path = '/api/v1/session', more: Headers = none): Promise<number> =>
    (await raw(at, 'GET', path, '', { ...more, cookie, host })).status;
  for (const host of [
    'evil.example.com',
    'evil.example.com:8082',
    'localhost.evil.example.com',
    '127.0.0.1.evil.example.com',
  ])
    expect(await as(host), host).toBe(421);
  for (const host of ['localhost:8082', '127.0.0.1', '[::1]:8082', 'hub.localhost'])
    expect(await as(host), host).toBe(200);
  expect((await logIn(at, 'anna', { ...page, host: 'evil.example.com', authorization: 'Bearer x' })).status).toBe(421);
});

test('every role may call the routes of its rights, and no others', async () => {
  await using at = await servedHub();
  for (const role of Object.keys(roles) as Role[]) {
    const cookie = await withUser(at, role, role);
    const allowed: string[] = [];
    for (const { id, method, path, right } of hubApi.routes) {
      // A stream of events does not end: it takes the right of the status, which others ask here.
      if (id === 'logout' || id === 'watchEvents' || right === 'public') continue;
      const place = path.replaceAll(/\{[^}]+\}/g, 'x');
      const { body } = await raw(at, method, place, method === 'GET' ? '' : '{}', { ...page, cookie });
      if (body?.error?.code !== 'access.right') allowed.push(id);
    }
    const rights: ReadonlySet<string> = rightsOf([role]);
    const wanted = hubApi.routes.filter(
      ({ id, right = '' }) => id !== 'logout' && id !== 'watchEvents' && rights.has(right),
    );
    expect(allowed, role).toEqual(wanted.map(({ id }) => id));
  }
});

test('who may see some VMs only is refused where a route does not heed that', async () => {
  await using at = await servedHub();
  const cookie = await withUser(at, 'dba', 'restorer', ['pg*']);
  const ask = async (path: string): Promise<number> => (await raw(at, 'GET', path, '', { ...none, cookie })).status;
  expect([await ask('/api/v1/session'), await ask('/api/v1/nodes'), await ask('/metrics')]).toEqual([200, 403, 403]);
});

test('a new password, other roles and the end of a user log out at once', async () => {
  await using at = await servedHub();
  const { access } = at.hub;
  let cookie = await withUser(at, 'anna', 'admin');
  const known = async (): Promise<number> => (await raw(at, 'GET', '/api/v1/session', '', { ...none, cookie })).status;
  for (const change of [
    () => access.setPassword('anna', password),
    () => access.setRoles('anna', { roles: ['viewer'], vms: null }),
    () => access.endSessions({ user: 'anna' }),
    () => access.removeUser('anna'),
  ]) {
    cookie = cookieOf(await logIn(at, 'anna'));
    expect(await known()).toBe(200);
    await change();
    expect(await known()).toBe(401);
  }
});

test('a session ends after its idle time, and after its longest time however much it is used', () => {
  using place = temporaryState();
  const { state } = place;
  addUser(state, { name: 'anna', password: 'x', roles: ['viewer'], vms: null });
  const from = { address: '192.0.2.7', agent: 'x' };
  const start = 1_000_000_000_000;
  const idle = beginSession(state, 'anna', from, { now: start });
  expect(useSession(state, idle, from, start + idleMs - 1)).toBeDefined();
  expect(useSession(state, idle, from, start + 2 * idleMs - 1)).toBeUndefined();
  const busy = beginSession(state, 'anna', from, { now: start });
  for (let now = start; now < start + longestMs; now += idleMs / 2)
    expect(useSession(state, busy, from, now), String(now - start)).toBeDefined();
  expect(useSession(state, busy, from, start + longestMs)).toBeUndefined();
  expect(useSession(state, 'x', from, start)).toBeUndefined();
});

test('guessing becomes slow, for the name and for the address, and never ends for others', async () => {
  const waits: number[] = [];
  const slow = slowLogins(
    async (ms) => void waits.push(ms),
    () => 0,
  );
  const { signal } = new AbortController();
  for (let guess = 0; guess < 10; guess++) await slow.enter('anna', '192.0.2.7', signal);
  expect(waits).toEqual([500, 1000, 2000, 4000, 5000, 5000, 5000]);
  // She waits as long as that at most, and once she has come in not at all.
  await slow.enter('anna', '192.0.2.8', signal);
  slow.well('anna', '192.0.2.8');
  await slow.enter('anna', '192.0.2.8', signal);
  await slow.enter('berta', '192.0.2.9', signal);
  expect(waits.slice(7)).toEqual([5000]);
  // Another name from the same address is as slow.
  await slow.enter('carla', '192.0.2.7', signal);
  expect(waits.slice(8)).toEqual([5000]);
  const stuck = slowLogins(
    () => new Promise(() => {}),
    () => 0,
  );
  for (let guess = 0; guess < 3; guess++) await stuck.enter('anna', '192.0.2.7', signal);
  for (let guess = 0; guess < 8; guess++) void stuck.enter('anna', '192.0.2.7', signal);
  await expect(stuck.enter('anna', '192.0.2.7', signal)).rejects.toMatchObject({ code: 'node.limited' });
  // Others may share the address: all who come through a tunnel do.
  void stuck.enter('carla', '192.0.2.7', signal);
  await stuck.enter('berta', '192.0.2.8', signal);
});
