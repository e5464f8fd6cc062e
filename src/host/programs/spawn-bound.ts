import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { boundWords } from './bound-words.ts';

export interface SpawnBoundOptions {
  readonly stdio: StdioOptions;
  readonly env: NodeJS.ProcessEnv;
  /** Default: the root. */
  readonly cwd?: string | undefined;
  /** What it gets when this process is gone. Default: KILL. */
  readonly signal?: 'KILL' | 'TERM';
}

/**
 * Starts a program that the kernel ends with this process, however that ends: an ssh with an open connection outlives a
 * closed pipe, a qemu-nbd everything. In a session of its own, so that an interrupt from the keyboard does not reach it while a run still
 * cleans up.
 */
export function spawnBound(
  file: string,
  args: readonly string[],
  { stdio, env, cwd = '/', signal }: SpawnBoundOptions,
): ChildProcess {
  const how = { path: env['PATH'], cwd, ...(signal ? { signal } : {}) };
  const [program, ...words] = boundWords(file, args, how);
  return spawn(program, words, { detached: true, stdio, cwd, env });
}
