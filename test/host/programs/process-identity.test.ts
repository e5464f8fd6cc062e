import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  argvOf,
  identityOf,
  isRunning,
  terminate,
  thisProcess,
  waitUntilGone,
} from '../../../src/host/programs/process-identity.ts';
import type { ProcessIdentity } from '../../../src/schemas/types.ts';

/** A child that says when it is ready; killed at the end of the block. */
async function child(
  script: string,
): Promise<{ identity: ProcessIdentity; process: ChildProcess; said: string } & AsyncDisposable> {
  const process = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [said] = (await once(process.stdout, 'data')) as [Buffer];
  const identity = identityOf(process.pid ?? -1);
  if (!identity) throw new Error('the child is gone');
  return {
    identity,
    process,
    said: said.toString(),
    async [Symbol.asyncDispose]() {
      if (process.exitCode !== null || process.signalCode !== null) return;
      const ended = once(process, 'exit');
      process.kill('SIGKILL');
      await ended;
    },
  };
}

const gentle = 'echo up; exec sleep 60';
const stubborn = 'trap "" TERM; echo up; while :; do sleep 0.05; done';

describe('identity', () => {
  test('this process is running, and its identity is the same each time', () => {
    expect(identityOf(process.pid)).toEqual(thisProcess());
    expect(isRunning(thisProcess())).toBe(true);
    expect(argvOf(process.pid).length).toBeGreaterThan(0);
  });

  test('nothing is known of a pid that nobody has', () => {
    expect(identityOf(2 ** 22 + 1)).toBeNull();
    expect(identityOf(-1)).toBeNull();
    expect(argvOf(-1)).toEqual([]);
  });

  test.each([
    ['another start time', { start_time: '1' }],
    ['another boot', { boot_id: '00000000-0000-0000-0000-000000000000' }],
  ])('a process with the same pid but %s is not ours, and is not touched', async (_name, other) => {
    await using one = await child(gentle);
    const foreign = { ...one.identity, ...other };
    expect(isRunning(foreign)).toBe(false);
    expect(await terminate(foreign)).toBe('gone');
    expect(isRunning(one.identity)).toBe(true);
  });

  test('a zombie counts as gone', async () => {
    // The shell becomes sleep, which never asks for the child that it started; that one goes on only then.
    await using one = await child('sh -c "kill -STOP \\$\\$" & echo $!; exec sleep 60');
    const zombie = Number(one.said);
    const state = (): string => readFileSync(`/proc/${zombie}/stat`, 'utf8').split(') ')[1]?.[0] ?? '';
    await expect.poll(() => [argvOf(one.identity.pid)[0], state()], { timeout: 200_000 }).toEqual(['sleep', 'T']);
    process.kill(zombie, 'SIGCONT');
    await expect.poll(state).toBe('Z');
    expect(identityOf(zombie)).toBeNull();
  });

  test('a command name with spaces and parentheses does not confuse it', async () => {
    await using one = await child('printf ") Z 1 (" >/proc/$$/comm; echo up; while :; do sleep 0.05; done');
    expect(isRunning(one.identity)).toBe(true);
    expect(one.identity.start_time).toMatch(/^[0-9]+$/);
  });
});

describe('terminate', () => {
  test('a process that ends on SIGTERM is terminated, and is gone the next time', async () => {
    await using one = await child(gentle);
    expect(await terminate(one.identity)).toBe('terminated');
    expect(isRunning(one.identity)).toBe(false);
    expect(await terminate(one.identity)).toBe('gone');
  });

  test('a process that ignores SIGTERM is killed after the grace time', async () => {
    await using one = await child(stubborn);
    expect(await terminate(one.identity, { graceMs: 100 })).toBe('killed');
    expect(isRunning(one.identity)).toBe(false);
  });

  test('a program that can miss a SIGTERM gets it again, one that must not only once', async () => {
    const counting = 'n=0; trap "n=\\$((n+1)); echo \\$n" TERM; echo up; while [ $n -lt 3 ]; do sleep 0.02; done';
    {
      await using one = await child(counting);
      expect(await terminate(one.identity, { graceMs: 20_000, againMs: 50 })).toBe('terminated');
    }
    await using other = await child(counting);
    expect(await terminate(other.identity, { graceMs: 300 })).toBe('killed');
  });

  test('an abort ends the grace time at once', async () => {
    await using one = await child(stubborn);
    const started = performance.now();
    expect(await terminate(one.identity, { graceMs: 60_000, signal: AbortSignal.abort() })).toBe('killed');
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('waiting ends with false when the time is over', async () => {
    await using one = await child(stubborn);
    expect(await waitUntilGone(one.identity, 20)).toBe(false);
    expect(await waitUntilGone(one.identity, 60_000, AbortSignal.abort())).toBe(false);
  });
});
