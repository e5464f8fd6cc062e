import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { identityOf, isRunning } from '../../../src/host/programs/process-identity.ts';
import { runInGroup } from '../../../src/host/programs/run-in-group.ts';
import { temporaryFolder } from '../temporary-folder.ts';

afterEach(() => void vi.unstubAllEnvs());

const quiet = { onStdout: () => undefined, onStderr: () => undefined };

test('what is cancelled gets the time of grace, all of it and not only the first program', async () => {
  await using folder = await temporaryFolder();
  const cancel = new AbortController();
  const worker = "trap 'sleep 0.3; touch thawed; exit' TERM; touch begun; while :; do sleep 0.05; done";
  const running = runInGroup('sh', ['-c', `sh -c "$0" & wait`, worker], {
    ...quiet,
    cwd: folder.path,
    signal: cancel.signal,
    graceMs: 30_000,
  });
  running.catch(() => undefined);
  await expect.poll(() => existsSync(folder.file('begun'))).toBe(true);
  cancel.abort(new Error('cancelled'));
  await expect(running).rejects.toThrow('cancelled');
  expect(existsSync(folder.file('thawed'))).toBe(true);
});

test('a program that is left running and goes on writing is not waited for', async () => {
  await using folder = await temporaryFolder();
  const left = 'echo $$ > pid; while :; do echo x; sleep 0.2; done';
  const end = await runInGroup('sh', ['-c', 'sh -c "$0" & while ! [ -s pid ]; do sleep 0.05; done', left], {
    ...quiet,
    cwd: folder.path,
    signal: AbortSignal.timeout(60_000),
  });
  process.kill(Number(readFileSync(folder.file('pid'), 'utf8')), 'SIGKILL');
  expect(end).toBe(0);
});

test('without setpriv a silent program that is left running holds nothing up', async () => {
  await using folder = await temporaryFolder();
  for (const name of ['sh', 'sleep']) await symlink(`/bin/${name}`, folder.file(name));
  vi.stubEnv('PATH', folder.path);
  const end = await runInGroup('sh', ['-c', 'sleep 20 </dev/null >/dev/null 2>&1 & echo $! > pid'], {
    ...quiet,
    cwd: folder.path,
    signal: AbortSignal.timeout(10_000),
  });
  process.kill(Number(readFileSync(folder.file('pid'), 'utf8')), 'SIGKILL');
  expect(end).toBe(0);
});

test('what heeds no SIGTERM is killed with all that it has started, though this process dies in the time of grace', async () => {
  await using folder = await temporaryFolder();
  const stubborn = `trap '' TERM; sh -c 'echo $$ > inner; while :; do sleep 0.05; done' & echo $$ > outer; while :; do sleep 0.05; done`;
  const script = `
    import { runInGroup } from ${JSON.stringify(new URL('../../../src/host/programs/run-in-group.ts', import.meta.url).href)};
    const cancel = new AbortController();
    process.stdin.once('data', () => cancel.abort(new Error('cancelled')));
    const none = () => {};
    await runInGroup('sh', ['-c', ${JSON.stringify(stubborn)}], { cwd: process.cwd(), signal: cancel.signal, graceMs: 60_000, onStdout: none, onStderr: none });
  `;
  const own = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: folder.path,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const pidIn = (name: string): number =>
    existsSync(folder.file(name)) ? Number(readFileSync(folder.file(name), 'utf8')) : 0;
  await expect.poll(() => pidIn('inner') > 0 && pidIn('outer') > 0, { timeout: 30_000 }).toBe(true);
  const started = [pidIn('inner'), pidIn('outer')].map((pid) => identityOf(pid));
  own.stdin?.write('x');
  await delay(300);
  expect(started.every((one) => one && isRunning(one))).toBe(true);
  own.kill('SIGKILL');
  await expect.poll(() => started.some((one) => one && isRunning(one)), { timeout: 30_000 }).toBe(false);
});
