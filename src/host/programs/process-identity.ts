import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';
import { statOf } from './process-tree.ts';

let boot: string | undefined;

export const bootId = (): string => (boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());

/** State letter and start time (clock ticks since boot) from /proc/<pid>/stat, proc(5); null where there is no process. */
function stat(pid: number): { state: string; startTime: string } | null {
  try {
    const fields = statOf(pid);
    return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
  } catch {
    return null;
  }
}

/** What tells this process from a later one with the same pid; null where there is none (a zombie counts as none). */
export function identityOf(pid: number): ProcessIdentity | null {
  const now = stat(pid);
  if (!now || (['Z', 'X'].includes(now.state) && threadsOf(pid) <= 1)) return null;
  return { pid, start_time: now.startTime, boot_id: bootId() };
}

/** The first thread can be a zombie while others still hold ports and image locks: measured with qemu-nbd, half of all times. */
function threadsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).length;
  } catch {
    return 0;
  }
}

export function thisProcess(): ProcessIdentity {
  const identity = identityOf(process.pid);
  if (!identity) throw new Error('cannot read /proc/self/stat');
  return identity;
}

/**
 * Where process numbers mean what they mean to this process: one boot of one kernel, one pid namespace. An identity can be judged
 * by {@link isRunning} only in the place that it is of.
 */
export const thisPlace = (): string => `${bootId()} ${namespaceLink() ?? 'unknown'}`;

/** The number of the pid namespace of this process. */
export const pidNamespace = (): string => /[0-9]+/.exec(namespaceLink() ?? '')?.[0] ?? '0';

/** Null: without namespaces there is one. */
function namespaceLink(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return null;
  }
}

export function isRunning(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  return now !== null && now.start_time === identity.start_time && now.boot_id === identity.boot_id;
}

/**
 * Whether a process is known to have ended. Of one in another container of this boot nobody here can say so.
 * @param place where its number means that; null: here
 */
export const hasEnded = (identity: ProcessIdentity, place: string | null): boolean =>
  identity.boot_id !== bootId() || ((place === null || place === thisPlace()) && !isRunning(identity));

/** The command line of a live process as an argument list; empty where it cannot be read. */
export function argvOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/** All live processes of this machine, as they come up in /proc, proc(5); the command line is empty where it cannot be read. */
export function* liveProcesses(): Generator<{ readonly identity: ProcessIdentity; readonly argv: string[] }> {
  for (const name of readdirSync('/proc')) {
    const identity = /^[0-9]+$/.test(name) ? identityOf(Number(name)) : null;
    if (identity) yield { identity, argv: argvOf(identity.pid) };
  }
}

/** Resolves true when the process is gone, false when `ms` passed or the signal aborted first. */
export async function waitUntilGone(identity: ProcessIdentity, ms: number, signal?: AbortSignal): Promise<boolean> {
  const end = performance.now() + ms;
  for (let pause = 2; isRunning(identity); pause = Math.min(pause * 2, 50)) {
    if (performance.now() >= end || signal?.aborted) return false;
    await delay(pause);
  }
  return true;
}

export interface TerminateOptions {
  readonly graceMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Repeats SIGTERM each so many ms, for a program that can miss the first; never for one that takes a second as an order to drop everything. */
  readonly againMs?: number;
}

/**
 * SIGTERM, and after `graceMs` (default 10000) SIGKILL, to exactly this process; never to a later one with its pid.
 * Where `signal` aborts the grace time ends at once.
 * @throws SendenseError `tool.failed` where even that does not end it (it hangs in the kernel, on a dead disk or mount)
 */
export async function terminate(
  identity: ProcessIdentity,
  options: TerminateOptions = {},
): Promise<'gone' | 'terminated' | 'killed'> {
  if (!isRunning(identity)) return 'gone';
  const { graceMs = 10_000, againMs = graceMs, signal } = options;
  const end = performance.now() + graceMs;
  for (let left = graceMs; left > 0; left = signal?.aborted ? 0 : end - performance.now()) {
    send(identity, 'SIGTERM');
    if (await waitUntilGone(identity, Math.min(againMs, left), signal)) return 'terminated';
  }
  send(identity, 'SIGKILL');
  if (await waitUntilGone(identity, 10_000)) return 'killed';
  throw new SendenseError(
    'tool.failed',
    `process ${identity.pid} (${argvOf(identity.pid)[0] ?? 'unknown'}) does not end although it was killed`,
    {
      remedy: 'It hangs in the kernel. Check its disks and mounts: one of them probably does not answer.',
    },
  );
}

function send(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isRunning(identity)) return;
  try {
    process.kill(identity.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
