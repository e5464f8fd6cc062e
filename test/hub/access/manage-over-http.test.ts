import { expect, test } from 'vitest';
import type { Hub } from '../../../src/hub/hub.ts';
import { accessRoutes } from '../../../src/hub/routes/access/index.ts';
import { openState } from '../../../src/state/database/open-state.ts';
import type { NewTokenOutput, SessionsOutput, UsersOutput } from '../../../src/schemas/types.ts';
import { askAll, type AskedRoute } from '../../api/documented.ts';
import { raw, type Answer } from '../../node/raw-request.ts';
import { servedHub, type ServedHub } from './served-hub.ts';

const password = 'four random words here';
const next = 'five other random words here';
const page = { 'authorization': undefined, 'sec-fetch-site': 'same-origin' };
type Headers = Record<string, string | undefined>;
const viewer = { roles: ['viewer'], vms: null };

const logIn = (at: ServedHub, name: string, secret = password, more: Headers = {}) =>
  raw(at, 'POST', '/api/v1/session', JSON.stringify({ name, password: secret }), { ...page, ...more });

async function cookieOf(at: ServedHub, name: string, secret = password): Promise<string> {
  const answer = await logIn(at, name, secret);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return String(answer.headers['set-cookie']).split(';')[0] ?? '';
}

type Asks = <T>(method: string, path: string, body?: object, more?: Headers) => Promise<Answer<T>>;

const asks =
  (at: ServedHub, cookie: string): Asks =>
  (method, path, body, more = {}) =>
    raw(at, method, `/api/v1${path}`, body ? JSON.stringify(body) : '', {
      ...page,
      cookie,
      'content-type': body ? 'application/json' : undefined,
      ...more,
    });

async function admin(at: ServedHub, name = 'root'): Promise<Asks> {
  await at.hub.access.addUser(name, password, { roles: ['admin'], vms: null });
  return asks(at, await cookieOf(at, name));
}

const codeOf = (answer: Answer<unknown>): unknown => [
  answer.status,
  (answer.body as { error?: { code: string } } | null)?.error?.code,
];

/** The password was typed longer ago than counts. */
function makeStale(at: ServedHub): void {
  using state = openState(`${at.folder}/state/sendense.db`);
  state.run(state.query.updateTable('sessions').set({ proven: Date.now() - 11 * 60_000 }));
}

test('every route of users, sessions and tokens answers what it announces', async () => {
  await using at = await servedHub();
  await at.hub.access.addUser('root', password, { roles: ['admin'], vms: null });
  const login = await cookieOf(at, 'root');
  // `raw` leaves out what is undefined.
  const given = (more: Headers): Headers => ({ ...page, ...more });
  const mine = given({ 'cookie': login, 'content-type': undefined });
  const write = given({ 'cookie': login, 'content-type': 'application/json' });
  const any = { ...write, 'if-match': '*' };
  const bare = { ...mine, 'if-match': '*' };
  const text = JSON.stringify;
  const asked: readonly AskedRoute[] = [
    ['login', {}, text({ name: 'root', password }), given({})],
    ['loginWays', {}, '', given({})],
    ['beginOidc', {}, '', given({})],
    ['finishOidc', {}, '', given({})],
    ['signOutOidc', {}, '', given({})],
    ['showSession', {}, '', mine],
    ['proveSession', {}, text({ password }), write],
    ['proveSession', {}, text({ password: 'not this one' }), write],
    ['addUser', {}, text({ name: 'anna', password, roles: ['viewer'] }), write],
    ['addUser', {}, text({ name: 'anna', password, roles: ['viewer'] }), write],
    ['addUser', {}, text({ name: 'berta', password: 'short', roles: ['viewer'] }), write],
    ['addUser', {}, text({ name: 'berta', password, roles: ['admin'], vms: ['pg*'] }), write],
    ['addUser', {}, text({ name: 'a/b', password, roles: ['viewer'] }), write],
    ['listUsers', {}, '', mine],
    ['showUser', { name: 'anna' }, '', mine],
    ['showUser', { name: 'ghost' }, '', mine],
    ['setRoles', { name: 'anna' }, text({ roles: ['operator'], vms: ['pg*'] }), any],
    ['setRoles', { name: 'anna' }, text({ roles: ['operator'] }), write],
    ['setRoles', { name: 'root' }, text({ roles: ['viewer'] }), any],
    ['setPassword', { name: 'anna' }, text({ password: next }), write],
    ['setPassword', { name: 'ghost' }, text({ password: next }), write],
    ['disableUser', { name: 'anna' }, '', bare],
    ['disableUser', { name: 'root' }, '', bare],
    ['enableUser', { name: 'anna' }, '', bare],
    ['listSessions', {}, '', mine],
    ['endSession', { id: 'ghost' }, '', mine],
    ['endSession', { id: 'x' }, '', mine],
    ['endUserSessions', { name: 'anna' }, '', mine],
    ['endUserSessions', { name: 'ghost' }, '', mine],
    ['removeUser', { name: 'anna' }, '', mine],
    ['removeUser', { name: 'root' }, '', mine],
    ['createToken', {}, text({ name: 'ci', roles: ['viewer'], expires: null }), write],
    ['createToken', {}, text({ name: 'ci', roles: ['viewer'], expires: null }), write],
    ['createToken', {}, text({ name: 'old', roles: ['viewer'], expires: 1 }), write],
    ['listTokens', {}, '', mine],
    ['revokeToken', { name: 'ci' }, '', mine],
    ['revokeToken', { name: 'ci' }, '', mine],
    ['setOwnPassword', {}, text({ present: 'not this one', password: next }), write],
    ['setOwnPassword', {}, text({ present: password, password: next }), write],
    ['listOwnSessions', {}, '', mine],
    ['listOwnSessions', {}, ''],
    ['endOwnSession', { id: 'ghost' }, '', mine],
    ['endOtherSessions', {}, '', mine],
    ['readAudit', {}, '', mine],
    ['logout', {}, '', mine],
  ];
  // There is no other session; those of an identity provider: oidc.test.ts.
  const never = ['beginOidc', 'finishOidc', 'signOutOidc', 'endOwnSession', 'endSession'];
  expect(await askAll(at, accessRoutes, asked)).toEqual(never);
  const told = JSON.stringify([at.lines, at.hub.audit.list({}, { limit: 1000, after: null })]);
  for (const secret of [password, next, login.split('=')[1] ?? '']) expect(told).not.toContain(secret);
});

test('what gives rights or destroys asks for the password again', async () => {
  await using at = await servedHub();
  const ask = await admin(at);
  await at.hub.access.addUser('anna', password, viewer);
  makeStale(at);
  const any = { 'if-match': '*' };
  for (const answer of [
    await ask('POST', '/users', { name: 'eve', password, roles: ['admin'] }),
    await ask('PUT', '/users/anna/roles', { roles: ['admin'] }, any),
    await ask('PUT', '/users/anna/password', { password: next }),
    await ask('POST', '/users/anna/disable', undefined, any),
    await ask('POST', '/users/anna/enable', undefined, any),
    await ask('DELETE', '/users/anna'),
    await ask('POST', '/tokens', { name: 'eve', roles: ['admin'], expires: null }),
    await ask('DELETE', '/tokens/eve'),
  ])
    expect(codeOf(answer)).toEqual([403, 'access.stale']);
  expect(at.hub.access.users().users.map(({ name, roles }) => [name, ...roles])).toEqual([
    ['anna', 'viewer'],
    ['root', 'admin'],
  ]);
  await ask('POST', '/session/fresh', { password });
  expect((await ask('DELETE', '/users/anna')).status).toBe(200);
});

test('two administrators who change one user at once: the second hears of the first', async () => {
  await using at = await servedHub();
  const [one, other] = [await admin(at, 'one'), await admin(at, 'other')];
  await at.hub.access.addUser('anna', password, viewer);
  const [first, second] = [await one<UsersOutput>('GET', '/users/anna'), await other('GET', '/users/anna')];
  const tag = first.headers['etag'];
  expect(second.headers['etag']).toBe(tag);
  const change = (ask: Asks, roles: string[], match: string | undefined) =>
    ask('PUT', '/users/anna/roles', { roles }, { 'if-match': match });
  const changed = await change(one, ['operator'], tag);
  expect(changed.status).toBe(200);
  expect(codeOf(await change(other, ['restorer'], tag))).toEqual([412, 'access.changed']);
  expect(codeOf(await change(other, ['restorer'], undefined))).toEqual([428, 'access.unread']);
  expect(codeOf(await other('DELETE', '/users/anna', undefined, { 'if-match': tag }))).toEqual([412, 'access.changed']);
  expect((await change(other, ['restorer'], changed.headers['etag'])).status).toBe(200);
  // Each takes the role of the other: one admin stays.
  const lowered = await Promise.all([
    one('PUT', '/users/other/roles', { roles: ['viewer'] }, { 'if-match': '*' }),
    other('PUT', '/users/one/roles', { roles: ['viewer'] }, { 'if-match': '*' }),
  ]);
  expect(lowered.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
  expect(at.hub.access.users().users.filter(({ roles }) => roles.includes('admin'))).toHaveLength(1);
});

test('the last user who may do everything stays: over HTTP it is neither removed, lowered nor disabled', async () => {
  await using at = await servedHub();
  const ask = await admin(at);
  const any = { 'if-match': '*' };
  await at.hub.access.addUser('anna', password, { roles: ['admin'], vms: null });
  expect((await ask('POST', '/users/anna/disable', undefined, any)).status).toBe(200);
  for (const answer of [
    await ask('PUT', '/users/root/roles', { roles: ['operator', 'restorer'] }, any),
    await ask('POST', '/users/root/disable', undefined, any),
    await ask('DELETE', '/users/root'),
  ])
    expect(codeOf(answer)).toEqual([409, 'access.last-admin']);
  expect((await ask('POST', '/users/anna/enable', undefined, any)).status).toBe(200);
  expect((await ask('DELETE', '/users/root')).status).toBe(200);
});

test('who is disabled is logged out, and refused as one who types a wrong password', async () => {
  await using at = await servedHub();
  const ask = await admin(at);
  await at.hub.access.addUser('anna', password, viewer);
  const anna = asks(at, await cookieOf(at, 'anna'));
  const off = await ask<UsersOutput>('POST', '/users/anna/disable', undefined, { 'if-match': '*' });
  expect(off.body.users).toMatchObject([{ name: 'anna', disabled: expect.any(Number) as number, sessions: 0 }]);
  expect((await anna('GET', '/session')).status).toBe(401);
  const wrong = await logIn(at, 'nobody');
  expect((await logIn(at, 'anna')).body).toEqual(wrong.body);
  await ask('POST', '/users/anna/enable', undefined, { 'if-match': off.headers['etag'] });
  await cookieOf(at, 'anna');
});

test('one changes one’s own password with the present one, and is logged out elsewhere only', async () => {
  await using at = await servedHub();
  await at.hub.access.addUser('anna', password, viewer);
  await at.hub.access.addUser('berta', password, viewer);
  const [here, there, berta] = [
    asks(at, await cookieOf(at, 'anna')),
    asks(at, await cookieOf(at, 'anna')),
    asks(at, await cookieOf(at, 'berta')),
  ];
  const wrong = await here('PUT', '/account/password', { present: 'not this one', password: next });
  expect(codeOf(wrong)).toEqual([401, 'access.refused']);
  const short = await here('PUT', '/account/password', { present: password, password: 'short' });
  expect(codeOf(short)).toEqual([422, 'access.password']);
  expect((await there('GET', '/session')).status).toBe(200);
  expect((await here('PUT', '/account/password', { present: password, password: next })).status).toBe(204);
  expect([(await here('GET', '/session')).status, (await there('GET', '/session')).status]).toEqual([200, 401]);
  expect((await logIn(at, 'anna')).status).toBe(401);
  await cookieOf(at, 'anna', next);
  // Of sessions one sees and ends one's own alone.
  const own = await here<SessionsOutput>('GET', '/account/sessions');
  expect(own.body.sessions.map(({ user }) => user)).toEqual(['anna', 'anna']);
  const others = await berta<SessionsOutput>('GET', '/account/sessions');
  const [hers] = others.body.sessions;
  expect(others.body.current).toBe(hers?.id);
  expect(codeOf(await here('DELETE', `/account/sessions/${hers?.id}`))).toEqual([404, 'access.session']);
  const elsewhere = own.body.sessions.find(({ id }) => id !== own.body.current)?.id;
  expect((await here('DELETE', `/account/sessions/${elsewhere}`)).status).toBe(204);
  await cookieOf(at, 'anna', next);
  expect((await here('DELETE', '/account/sessions')).body).toEqual({ ended: 1 });
  expect([(await here('GET', '/session')).status, (await berta('GET', '/session')).status]).toEqual([200, 200]);
});

test('a session is ended by its id, which says nothing of its secret', async () => {
  await using at = await servedHub();
  const ask = await admin(at);
  await at.hub.access.addUser('anna', password, viewer);
  const cookie = await cookieOf(at, 'anna');
  const { body } = await ask<SessionsOutput>('GET', '/sessions');
  expect(JSON.stringify(body)).not.toContain(cookie.split('=')[1]);
  const hers = body.sessions.find(({ user }) => user === 'anna')?.id;
  expect((await ask('DELETE', `/sessions/${hers}`)).status).toBe(204);
  expect((await asks(at, cookie)('GET', '/session')).status).toBe(401);
});

test('a token is shown once, and no list, log or cache has it', async () => {
  await using at = await servedHub();
  const ask = await admin(at);
  const expires = Date.now() + 86_400_000;
  const made = await ask<NewTokenOutput>('POST', '/tokens', { name: 'ci', roles: ['operator'], vms: ['pg*'], expires });
  expect([made.status, made.headers['cache-control']]).toEqual([201, 'no-store']);
  const { secret } = made.body;
  const bearer = { 'authorization': `Bearer ${secret}`, 'cookie': undefined, 'sec-fetch-site': undefined };
  expect((await ask('GET', '/session', undefined, bearer)).body).toMatchObject({ user: 'token:ci', vms: ['pg*'] });
  expect(codeOf(await ask('PUT', '/account/password', { present: password, password: next }, bearer))).toEqual([
    403,
    'access.right',
  ]);
  // A token in the address is none: addresses stand in logs.
  for (const query of [`access_token=${secret}`, `token=${secret}`])
    expect((await raw(at, 'GET', `/api/v1/session?${query}`, '', { authorization: undefined })).status).toBe(401);
  const lists = JSON.stringify([(await ask('GET', '/tokens')).body, at.lines, auditOf(at.hub)]);
  expect(lists).not.toContain(secret);
  expect((await ask('DELETE', '/tokens/ci')).status).toBe(200);
  expect((await ask('GET', '/session', undefined, bearer)).status).toBe(401);
});

const auditOf = (hub: Hub) => hub.audit.list({}, { limit: 1000, after: null }).entries.toReversed();

test('the audit log has each of it: who, about whom, and how it ended', async () => {
  await using at = await servedHub();
  const ask = await admin(at);
  const any = { 'if-match': '*' };
  await ask('POST', '/users', { name: 'anna', password, roles: ['restorer'], vms: ['pg*', 'web?'] });
  await ask('PUT', '/users/anna/roles', { roles: ['viewer', 'operator'] }, any);
  await ask('POST', '/users/root/disable', undefined, any);
  await ask('POST', '/tokens', { name: 'ci', roles: ['viewer'], expires: null });
  await ask('DELETE', '/tokens/ci');
  await ask('DELETE', '/users/anna');
  expect(auditOf(at.hub).map(({ who, action, facts, error }) => [who, action, facts, error])).toEqual([
    ['root', 'login', {}, null],
    ['root', 'addUser', { user: 'anna', roles: 'restorer', vms: 'pg* web?' }, null],
    ['root', 'setRoles', { user: 'anna', roles: 'viewer operator' }, null],
    ['root', 'disableUser', { user: 'root' }, 'access.last-admin'],
    ['root', 'createToken', { token: 'ci', roles: 'viewer', expires: 'never' }, null],
    ['root', 'revokeToken', { token: 'ci' }, null],
    ['root', 'removeUser', { user: 'anna' }, null],
  ]);
});
