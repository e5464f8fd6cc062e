import { existsSync, readFileSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { afterEach, expect, test, vi } from 'vitest';
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
