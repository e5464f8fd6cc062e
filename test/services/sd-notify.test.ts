import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { announceService, type ServiceOptions } from '../../src/host/system/sd-notify.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';
import { programs } from '../programs.ts';
import { openNotifySocket } from './notify-socket.ts';

const wellAndQuiet = { status: 'at work', alive: () => Promise.resolve(), log: () => {} } satisfies ServiceOptions;

test('says ready with a status, that it lives, and at last that it stops', async () => {
  await using folder = await temporaryFolder();
  await using systemd = await openNotifySocket(folder.path);
  const env = { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '200000', WATCHDOG_PID: String(process.pid), OTHER: '1' };
  {
    await using service = await announceService({ ...wellAndQuiet, env });
    expect(systemd.said.slice(0, 2)).toEqual(['READY=1', 'STATUS=at work']);
    await systemd.heard('WATCHDOG=1', 2);
    service.status('two\nlines');
    service.status('two\nlines');
    await systemd.heard('STATUS=two lines');
  }
  await systemd.heard('STATUS=stopping');
  expect(systemd.said.filter((one) => one !== 'WATCHDOG=1')).toEqual([
    'READY=1',
    'STATUS=at work',
    'STATUS=two lines',
    'STOPPING=1',
    'STATUS=stopping',
  ]);
  // No child of the service is to speak for it.
  expect(env).toEqual({ OTHER: '1' });
});

test.for<[string, ServiceOptions['alive']]>([
  ['fails', () => Promise.reject(new Error('no listener'))],
  ['hangs, whatever its signal says', () => new Promise(() => {})],
])('the watchdog is not fed while the check of the service %s', async ([, alive]) => {
  await using folder = await temporaryFolder();
  await using systemd = await openNotifySocket(folder.path);
  let broken = true;
  const complaints: string[] = [];
  const complained = Promise.withResolvers<void>();
  const env = { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '100000' };
  await using _service = await announceService({
    status: '',
    alive: (signal) => (broken ? alive(signal) : Promise.resolve()),
    log: (_level, message) => {
      if (complaints.push(message) === 2) complained.resolve();
    },
    env,
  });
  await complained.promise;
  expect(systemd.said).not.toContain('WATCHDOG=1');
  expect(complaints[0]).toContain('does not answer itself');
  broken = false;
  await systemd.heard('WATCHDOG=1');
});

test('a watchdog of another process is left alone', async () => {
  await using folder = await temporaryFolder();
  await using systemd = await openNotifySocket(folder.path);
  let asked = 0;
  const env = { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' };
  const alive = async (): Promise<void> => void asked++;
  const service = await announceService({ ...wellAndQuiet, alive, env });
  await service[Symbol.asyncDispose]();
  expect(asked).toBe(0);
});

test('nothing happens where no service manager asks, or where it is gone', async () => {
  await using folder = await temporaryFolder();
  const complaints: string[] = [];
  const log = (_level: string, message: string): void => void complaints.push(message);
  await (await announceService({ ...wellAndQuiet, log, env: {} }))[Symbol.asyncDispose]();
  expect(complaints).toEqual([]);
  const env = { NOTIFY_SOCKET: folder.file('nobody') };
  await (await announceService({ ...wellAndQuiet, log, env }))[Symbol.asyncDispose]();
  expect(complaints).toHaveLength(2);
  expect(complaints[0]).toContain('READY=1');
});

test('sendense-node serve tells systemd that it is ready when it answers, lives and stops', async () => {
  await using folder = await temporaryFolder();
  await using systemd = await openNotifySocket(folder.path);
  const args = ['serve', '--socket', folder.file('api'), '--state-dir', folder.file('state')];
  const child = spawn(process.execPath, [programs.node, ...args], {
    stdio: 'ignore',
    env: { ...process.env, NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: '1000000' },
  });
  const ended = once(child, 'exit');
  await systemd.heard('READY=1');
  expect(systemd.said).toContain(`STATUS=listening on unix:${folder.file('api')}`);
  await systemd.heard('WATCHDOG=1');
  child.kill('SIGTERM');
  await systemd.heard('STOPPING=1');
  expect(await ended).toEqual([0, null]);
});
