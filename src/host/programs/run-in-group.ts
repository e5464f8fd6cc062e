import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { boundWords, programFile } from './bound-words.ts';
import { nothingToKill, watcherOn } from './group-watcher.ts';
import { letGo } from './process.ts';

/** How long what a program has written may take to arrive after it has ended, ms. */
const lastWordsMs = 5000;

export interface GroupOptions {
  readonly cwd: string;
  /** Instead of our own. */
  readonly env?: NodeJS.ProcessEnv;
  /** For its standard input; without it that is empty. */
  readonly input?: string;
  readonly signal: AbortSignal;
  /** From SIGTERM to SIGKILL, ms; default 2000. */
  readonly graceMs?: number;
  /** What it writes to standard output, as it comes. */
  onStdout(text: string): void;
  onStderr(text: string): void;
}

/**
 * Runs a program of the user's own in a process group of its own, and answers its exit code, or the signal that ended it. No shell reads
 * its words. On abort the whole group ends, and so it does with this process, however that ends: nothing that it started goes on.
 * @throws NodeJS.ErrnoException where it cannot be started; on abort the signal's reason
 */
export async function runInGroup(
  file: string,
  args: readonly string[],
  { cwd, env = process.env, input, signal, graceMs = 2000, onStdout, onStderr }: GroupOptions,
): Promise<number | NodeJS.Signals> {
  signal.throwIfAborted();
  const [program, ...words] = boundWords(file, args, {
    path: env['PATH'],
    cwd,
    first: watcherOn(3, { apart: programFile('setsid') }),
  });
  const child = spawn(program, words, {
    cwd,
    env,
    detached: true,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  child.stdout?.setEncoding('utf8').on('data', onStdout);
  child.stderr?.setEncoding('utf8').on('data', onStderr);
  // A program need not read what it is given.
  child.stdin?.on('error', () => undefined).end(input);
  const watched = child.stdio[3] as Socket;
  watched.on('error', () => undefined).resume();
  const closed = once(child, 'close');
  closed.catch(() => undefined);
  void letGo(
    child,
    [child.stdout, child.stderr].filter((stream) => stream !== null),
  );
  try {
    const end = await endOf(child, { signal, graceMs });
    // Nobody needs what the watcher says, and without setpriv(1) there is none: whatever is left running may hold this end.
    if (typeof end === 'number') watched.end(nothingToKill, () => watched.destroy());
    else watched.destroy();
    // What is left running may go on writing: it is not waited for.
    await Promise.race([closed, delay(lastWordsMs, undefined, { ref: false })]);
    return end;
  } catch (error) {
    // All of the group was killed, or none of it was ever there.
    watched.write(nothingToKill);
    throw error;
  } finally {
    for (const stream of [child.stdout, child.stderr, child.stdin]) stream?.destroy();
    watched.destroySoon();
  }
}

/** @throws on abort the signal's reason, when the group is gone */
async function endOf(
  child: ChildProcess,
  { signal, graceMs }: { readonly signal: AbortSignal; readonly graceMs: number },
): Promise<number | NodeJS.Signals> {
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  exited.catch(() => undefined);
  const stopped = Promise.withResolvers<'stopped'>();
  const onAbort = (): void => stopped.resolve('stopped');
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const end = await Promise.race([exited, stopped.promise]);
    if (end !== 'stopped') return end[0] ?? end[1] ?? 0;
    killGroup(child.pid, 'SIGTERM');
    // The first of them may end at once while others still clean up.
    for (const until = performance.now() + graceMs; performance.now() < until && isGroup(child.pid);) await delay(20);
    killGroup(child.pid, 'SIGKILL');
    throw signal.reason;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Whether any program of it is there. */
const isGroup = (pid: number | undefined): boolean => killGroup(pid, 0);

function killGroup(pid: number | undefined, name: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, name);
  } catch {
    // All of it is gone.
    return false;
  }
}
