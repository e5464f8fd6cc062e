import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import { connectVsphere, type VsphereAddress } from '../../../src/node/vsphere/connect.ts';
import { refusedLogins } from '../../../src/node/vsphere/refused-logins.ts';
import { tagsByVm } from '../../../src/node/vsphere/tags.ts';
import { keepCookieFile } from '../../../src/node/vsphere/transports/cookie-file.ts';
import { temporaryFolder } from '../../host/temporary-folder.ts';
import { fault, startScriptedServer, type ScriptedServer } from './scripted-server.ts';

/** Accounts lock after about five tries with a password that is wrong. */
let server: ScriptedServer;
beforeAll(async () => void (server = await startScriptedServer()));
afterEach(() => {
  server.script = () => {};
  server.asked.length = 0;
});
afterAll(() => server[Symbol.asyncDispose]());

const vm = { type: 'VirtualMachine', value: 'vm-1' };
const address = (more: Partial<VsphereAddress> = {}): VsphereAddress => ({
  host: '127.0.0.1',
  port: server.port,
  user: 'backup@vsphere.local',
  password: 'canary',
  thumbprint: server.thumbprint,
  ca: null,
  ...more,
});
const connect = (more: Partial<VsphereAddress> = {}) => connectVsphere(address(more), { pauseMs: 1 });
const tries = (): number => server.asked.filter(({ method }) => method === 'Login').length;
/** From now on nobody is logged in, and nobody is let in. */
const lapse = (): void => {
  server.asked.length = 0;
  server.script = ({ method }) =>
    method === 'Login' ? fault('InvalidLogin') : method === 'Do' ? fault('NotAuthenticated') : undefined;
};
const named = (): object => ({
  code: 'vsphere.login',
  message: expect.stringMatching(
    new RegExp(
      `^127\\.0\\.0\\.1:${server.port} refuses the user backup@vsphere\\.local with this password: .*InvalidLogin`,
    ),
  ) as string,
});

test('a password that is refused in mid-session is tried once, whatever is asked then and how often', async () => {
  await using vsphere = await connect();
  lapse();
  await Promise.all(Array.from({ length: 8 }, () => expect(vsphere.call('Do', vm)).rejects.toMatchObject(named())));
  await expect(vsphere.call('Do', vm)).rejects.toMatchObject(named());
  await expect(vsphere.cookie('vmware_soap_session="c00kie-canary"')).rejects.toMatchObject(named());
  await expect(vsphere.cookie()).rejects.toMatchObject(named());
  await expect(vsphere.task('Do', vm, [])).rejects.toMatchObject(named());
  expect(tries()).toBe(1);
});

test('several sessions of a process try it once, also at the same time; another password is another matter', async () => {
  const refused = refusedLogins();
  await using one = await connect({ refused });
  await using two = await connect({ refused });
  lapse();
  await Promise.all([
    ...[one, two, one].map((session) => expect(session.call('Do', vm)).rejects.toMatchObject(named())),
    expect(connect({ refused })).rejects.toMatchObject(named()),
  ]);
  await expect(tagsByVm(address({ refused }))).rejects.toMatchObject(named());
  expect(tries()).toBe(1);
  await expect(connect({ refused, password: 'another' })).rejects.toMatchObject(named());
  await expect(connect({ refused, user: 'somebody' })).rejects.toMatchObject({ code: 'vsphere.login' });
  expect(tries()).toBe(3);
});

test('after five minutes it is tried again: the account may be unlocked by then', async () => {
  let now = 0;
  const refused = refusedLogins(() => now);
  lapse();
  for (const [at, tried] of [
    [0, 1],
    [299_000, 1],
    [300_000, 2],
  ] as const) {
    now = at;
    await expect(connect({ refused })).rejects.toMatchObject(named());
    expect(tries()).toBe(tried);
  }
});

test('a server that is out of reach, or busy, refuses nobody', async () => {
  const refused = refusedLogins();
  server.script = ({ method }, response) => (method === 'Login' ? void response.writeHead(503).end() : undefined);
  await expect(connect({ refused })).rejects.toMatchObject({ code: 'vsphere.unreachable' });
  server.script = () => {};
  await using vsphere = await connect({ refused });
  expect(vsphere.about.fullName).toBe('Scripted');
});

test('a session that could not be renewed once has no empty cookie', async () => {
  await using vsphere = await connect();
  server.script = ({ method }, response) => (method === 'Login' ? void response.writeHead(503).end() : undefined);
  await expect(vsphere.cookie('vmware_soap_session="c00kie-canary"')).rejects.toMatchObject({
    code: 'vsphere.unreachable',
  });
  server.script = () => {};
  expect(await vsphere.cookie()).toBe('vmware_soap_session="c00kie-canary"');
});

test('who keeps the cookie for another program is told of the refusal, and asks no more', async () => {
  await using folder = await temporaryFolder();
  const refused = refusedLogins();
  let asked = 0;
  let told = 0;
  const cookie = (old?: string): Promise<string> => {
    if (old === undefined) return Promise.resolve('a=b');
    return refused.attempt(address(), async () => {
      asked++;
      throw new SendenseError('vsphere.login', 'no', { details: { refused: true } });
    });
  };
  const file = join(folder.path, 'cookie');
  await using kept = await keepCookieFile({ cookie }, file, () => told++);
  expect(kept.lastFault()).toBe(null);
  kept.refused();
  await expect.poll(() => kept.lastFault()?.code).toBe('vsphere.login');
  kept.refused();
  await expect.poll(() => told).toBe(2);
  expect(asked).toBe(1);
  expect(kept.lastError()).toContain('refuses the user backup@vsphere.local');
  expect(await readFile(file, 'utf8')).toBe('a=b\n');
});
