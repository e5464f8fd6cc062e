import { expect, test } from 'vitest';
import { trustedProxy } from '../../../src/hub/access/trusted-proxy.ts';
import { raw } from '../../node/raw-request.ts';
import { servedHub, type ServedHub } from './served-hub.ts';

const settings = (from: string): string =>
  `proxy: { from: [${from}], header: X-Forwarded-User, groupsHeader: X-Forwarded-Groups, groups: { admins: admin, dba: [viewer, restorer], all: viewer }, vms: { dba: ['pg*'] } }, hosts: [backup.example.com]`;
const password = 'four random words here';

const ask = (at: ServedHub, method: string, path: string, headers: Record<string, string>, body = '') =>
  raw(at, method, path, body, { authorization: undefined, ...headers });
const anna = { 'x-forwarded-user': 'anna', 'x-forwarded-groups': 'staff, admins' };

test('a user of the proxy has the roles of the groups, and the VMs of those that are limited', async () => {
  await using at = await servedHub({}, {}, { settings: settings('127.0.0.1') });
  const who = async (groups: string) =>
    (await ask(at, 'GET', '/api/v1/session', { ...anna, 'x-forwarded-groups': groups })).body;
  expect(await who('staff,admins')).toMatchObject({ user: 'proxy:anna', roles: ['admin'], vms: null, expires: null });
  expect(await who('dba')).toMatchObject({ roles: ['viewer', 'restorer'], vms: ['pg*'] });
  expect(await who('dba,all')).toMatchObject({ roles: ['viewer', 'restorer'], vms: null });
  expect(await who('dba,admins')).toMatchObject({ vms: null });
  for (const groups of ['', 'staff', '__proto__', 'constructor'])
    expect(await who(groups), groups).toMatchObject({ error: { code: 'access.right' } });
  const odd = await ask(at, 'GET', '/api/v1/session', { ...anna, 'x-forwarded-user': 'anna, berta' });
  expect([odd.status, odd.body.error.code]).toEqual([400, 'access.proxy']);
  // Nobody else's page writes in the name of who is logged in at the proxy.
  const write = (headers: Record<string, string>) =>
    ask(at, 'POST', '/api/v1/schedules/nightly/pause', { ...anna, ...headers }, '{}');
  expect((await write({})).body.error.code).toBe('access.origin');
  expect((await write({ 'sec-fetch-site': 'cross-site' })).body.error.code).toBe('access.origin');
  expect((await write({ 'sec-fetch-site': 'same-origin', 'x-forwarded-for': '198.51.100.9' })).body.error.code).toBe(
    'schedule.unknown',
  );
  expect(
    at.hub.audit.list({ who: 'proxy:anna', action: 'pauseSchedule' }, { limit: 1, after: null }).entries,
  ).toMatchObject([{ caller: 'proxy', address: '198.51.100.9' }]);
});

test('from elsewhere its headers count for nothing', async () => {
  await using at = await servedHub({}, {}, { settings: settings('192.0.2.7, 2001:db8::/32') });
  expect((await ask(at, 'GET', '/api/v1/session', anna)).status).toBe(401);
  await at.hub.access.addUser('berta', password, { roles: ['viewer'], vms: null });
  const forged = {
    'x-forwarded-for': '198.51.100.9',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'evil.example.com',
  };
  const body = JSON.stringify({ name: 'berta', password });
  const login = await ask(at, 'POST', '/api/v1/session', { ...forged, 'sec-fetch-site': 'same-origin' }, body);
  expect(String(login.headers['set-cookie'])).toMatch(/^sendense=[^;]+; Path=\/; HttpOnly; SameSite=Strict$/);
  expect(at.hub.access.sessions().sessions).toMatchObject([{ address: '127.0.0.1' }]);
});

test('through the proxy the hub knows the client, the name and that TLS was spoken', async () => {
  await using at = await servedHub({}, {}, { settings: 'proxy: { from: [127.0.0.1] }, hosts: [backup.example.com]' });
  await at.hub.access.addUser('berta', password, { roles: ['viewer'], vms: null });
  const via = {
    // The first one is what the client wrote.
    'x-forwarded-for': '10.9.9.9, 198.51.100.9, 127.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'backup.example.com',
    'origin': 'https://backup.example.com',
  };
  const body = JSON.stringify({ name: 'berta', password });
  const login = await ask(at, 'POST', '/api/v1/session', { ...via, ...anna }, body);
  expect(login.body).toMatchObject({ user: 'berta' });
  expect(String(login.headers['set-cookie'])).toContain('__Host-sendense=');
  expect(at.hub.access.sessions().sessions).toMatchObject([{ address: '198.51.100.9' }]);
  const evil = await ask(at, 'POST', '/api/v1/session', { ...via, 'x-forwarded-host': 'evil.example.com' }, body);
  expect(evil.status).toBe(421);
});

test.each([
  ['9.9.9.9, 198.51.100.9:4444', '198.51.100.9'],
  ['9.9.9.9, [2001:db8::7]:4444', '2001:db8::7'],
  ['9.9.9.9, [2001:db8::7]', '2001:db8::7'],
  // Who that is the proxy does not say: nobody else does.
  ['9.9.9.9, unknown', '127.0.0.1'],
  ['9.9.9.9, _hidden', '127.0.0.1'],
  ['9.9.9.9, 127.0.0.1:5', '9.9.9.9'],
])('a client that says %s is %s', async (said, address) => {
  await using at = await servedHub({}, {}, { settings: 'proxy: { from: [127.0.0.1] }, hosts: [backup.example.com]' });
  const via = { 'x-forwarded-for': said, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'backup.example.com' };
  await raw(at, 'DELETE', '/api/v1/tokens/nope', '', via);
  expect(at.hub.audit.list({}, { limit: 1, after: null }).entries[0]?.address).toBe(address);
});

test.each(['nonsense', '192.0.2.0/33', '2001:db8::/129', '192.0.2.7/x'])('%s is no address of a proxy', (from) => {
  expect(() => trustedProxy({ from: [from], groups: {}, vms: {} })).toThrow('is no address or network');
});

test('what comes past the proxy from another machine is refused, for it can be read on the way', () => {
  const { assertThrough } = trustedProxy({ from: ['192.0.2.7'], groups: {}, vms: {} });
  const from = (remoteAddress: string, encrypted = false) =>
    assertThrough({ socket: { remoteAddress, encrypted } as never, headers: {} });
  for (const peer of ['192.0.2.7', '::ffff:192.0.2.7', '127.0.0.1', '::1']) from(peer);
  from('198.51.100.9', true);
  for (const peer of ['198.51.100.9', '2001:db8::1', '::ffff:198.51.100.9'])
    expect(() => from(peer), peer).toThrow('past the proxy');
});
