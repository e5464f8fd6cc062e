import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';
import { identityOf } from './process-identity.ts';
import { missing } from './process.ts';
import { openSecret } from '../images/secret-descriptor.ts';
import { spawnBound } from './spawn-bound.ts';

export interface StartServerOptions {
  /** Added to our own environment, where LC_ALL is C. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the root. */
  readonly cwd?: string | undefined;
  /** What the program reads as /dev/fd/3. */
  readonly secret?: string | undefined;
  /** Whether it does its work by now; asked again and again. */
  isReady(pid: number): Promise<boolean>;
  /** It outlives this process, and writes its standard error to this file. Default: it ends with this process. */
  readonly lastingLog?: string | undefined;
  /** It is killed where it is not ready by then. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ServerEnd {
  /** For messages: `ended with 1`, `was killed by SIGKILL`. */
  readonly exit: string;
  /** The end of what it wrote to its standard error. */
  readonly said: string;
}

export type StartedServer =
  | { readonly identity: ProcessIdentity; readonly end?: never }
  | { readonly identity: null; readonly end: ServerEnd };

const keptText = 8192;

/**
 * Starts a program that serves until somebody ends it, or this process is gone (`spawn-bound.ts`), unless it is to last. It does not
 * keep this process from ending.
 * @returns who it is once it is ready, or how it ended before
 * @throws SendenseError `tool.missing`; on abort the signal's reason
 */
export async function startServer(
  file: string,
  args: readonly string[],
  { env, cwd, secret, isReady, lastingLog, timeoutMs, signal }: StartServerOptions,
): Promise<StartedServer> {
  signal?.throwIfAborted();
  const descriptor = secret === undefined ? null : openSecret(secret);
  const log = lastingLog === undefined ? null : openLog(lastingLog);
  let child: ChildProcess;
  try {
    const how = {
      stdio: ['ignore', 'ignore', log?.descriptor ?? 'pipe', ...(descriptor === null ? [] : [descriptor])],
      env: { ...process.env, LC_ALL: 'C', ...env },
      cwd: cwd ?? '/',
    } satisfies SpawnOptions;
    child = log === null ? spawnBound(file, args, how) : spawn(file, args, { ...how, detached: true });
  } finally {
    for (const one of [descriptor, log?.descriptor]) if (one != null) closeSync(one);
  }
  let heard = '';
  // Read to its end: one whose pipe is full waits.
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (heard = (heard + text).slice(-keptText)));
  const { pid } = child;
  if (pid === undefined) {
    const [cause] = (await once(child, 'error')) as [NodeJS.ErrnoException];
    if (cause.code === 'ENOENT') throw missing(file, cause);
    throw new SendenseError('tool.failed', `${file} could not be started: ${cause.message}`, { cause });
  }
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  let ended = false;
  void closed.then(() => (ended = true));
  const over = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
  const ready = await untilReady(() => isReady(pid), { over, hasEnded: () => ended });
  const identity = ready && !over.aborted ? identityOf(pid) : null;
  if (identity) {
    child.unref();
    (child.stderr as (Readable & { unref?(): void }) | null)?.unref?.();
    return { identity };
  }
  if (over.aborted) child.kill('SIGKILL');
  const [code, name] = await closed;
  signal?.throwIfAborted();
  const late = over.aborted ? `was not ready within ${timeoutMs} ms` : null;
  const said = log === null ? heard : readFileSync(log.path).subarray(log.size).toString('utf8').slice(-keptText);
  return { identity: null, end: { exit: late ?? (name ? `was killed by ${name}` : `ended with ${code}`), said } };
}

/** What was in it stays. */
function openLog(path: string): { readonly path: string; readonly descriptor: number; readonly size: number } {
  const descriptor = openSync(path, 'a', 0o600);
  return { path, descriptor, size: fstatSync(descriptor).size };
}

/** Whether it is ready; false where it ended or the time is over before. */
async function untilReady(
  isReady: () => Promise<boolean>,
  { over, hasEnded }: { readonly over: AbortSignal; hasEnded(): boolean },
): Promise<boolean> {
  for (let pause = 1; !hasEnded() && !over.aborted; pause = Math.min(pause * 1.5, 20)) {
    if (await isReady()) return true;
    await delay(pause, undefined, { signal: over }).catch(() => undefined);
  }
  return false;
}
