import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

export interface GroupOptions {
  readonly cwd: string;
  /** For its standard input. */
  readonly input: string;
  readonly signal: AbortSignal;
  /** What it writes to standard output and standard error, as it comes. */
  onText(text: string): void;
}

/** From SIGTERM to SIGKILL, ms. */
const graceMs = 2000;
/** After its end a child that it left behind may hold its pipes; nobody waits longer for what that says, ms. */
const quietMs = 500;

/**
 * Runs a program of the user's own in a process group of its own, and answers its exit code, or the signal that ended it.
 * Never through a shell. On abort the whole group ends, so that nothing that it started goes on.
 * @throws NodeJS.ErrnoException where it cannot be started; on abort the signal's reason
 */
export async function runInGroup(
  file: string,
  args: readonly string[],
  { cwd, input, signal, onText }: GroupOptions,
): Promise<number | NodeJS.Signals> {
  signal.throwIfAborted();
  const child = spawn(file, args, { cwd, detached: true, stdio: 'pipe' });
  child.stdout.setEncoding('utf8').on('data', onText);
  child.stderr.setEncoding('utf8').on('data', onText);
  // A program need not read what it is given.
  child.stdin.on('error', () => undefined).end(input);
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  exited.catch(() => undefined);
  const stopped = Promise.withResolvers<'stopped'>();
  const onAbort = (): void => stopped.resolve('stopped');
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const end = await Promise.race([exited, stopped.promise]);
    if (end === 'stopped') {
      killGroup(child.pid, 'SIGTERM');
      await Promise.race([exited.catch(() => undefined), delay(graceMs)]);
      killGroup(child.pid, 'SIGKILL');
      throw signal.reason;
    }
    await Promise.race([once(child, 'close'), delay(quietMs)]);
    return end[0] ?? end[1] ?? 0;
  } finally {
    signal.removeEventListener('abort', onAbort);
    for (const stream of [child.stdout, child.stderr, child.stdin]) stream.destroy();
  }
}

function killGroup(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch {
    // All of it is gone.
  }
}
