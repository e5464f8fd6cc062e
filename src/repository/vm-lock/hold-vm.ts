import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { locksFolder } from '../layout.ts';
import { dropParts } from './drop-parts.ts';
import { removeWork, signEveryMs, signName, takeLock, type LockOwner, type Overtaken } from './take-lock.ts';
import type { VmHold } from './vm-hold.ts';

export interface HoldRequest {
  /** Of the repository, absolute. */
  readonly root: string;
  readonly context: string;
  /** Id of the hub's state database. */
  readonly hub: string;
  /** The run that wants it. It may take it several times, and gives it back as often. */
  readonly run: string;
  /**
   * `points` (default): restore points come and go; held for as long as a run decides by what is there. `marks`: what is said of
   * them; held for a moment, also while somebody else holds the other.
   */
  readonly of?: 'points' | 'marks';
  /** Waits so long for somebody else to give it back, ms; default: not at all. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Told of holders that were overtaken. */
  log?(message: string): void;
}

export type Held = VmHold & AsyncDisposable;

interface Entry {
  readonly hold: VmHold;
  readonly run: string;
  uses: number;
  readonly signs: NodeJS.Timeout;
}

/** Of this process, by folder of the lock. */
const held = new Map<string, Entry>();

/** Names of VMs are names of folders, which cannot begin with a dot. */
const lockOf = ({ context, of = 'points' }: HoldRequest): string =>
  of === 'points' ? join(locksFolder, context) : join(locksFolder, '.marks', context);

/**
 * Holds the lock of a VM in a repository until it is disposed of. Whoever changes anything in a VM's folder holds it, beside the lock of
 * its own hub; nobody else does.
 * @throws SendenseError `run.locked` where somebody has it who lives, `repository.unusable`
 */
export async function holdVm(request: HoldRequest): Promise<Held> {
  const got = await tryHoldVm(request);
  if ('hold' in got) return got.hold;
  throw lockedBy(request, got.owner);
}

/** As {@link holdVm}, but answers who has it. */
export async function tryHoldVm(
  request: HoldRequest,
): Promise<{ readonly hold: Held } | { readonly owner: LockOwner }> {
  const { root, context, hub, run, of = 'points', waitMs = 0, signal } = request;
  const locks = lockOf(request);
  const key = join(root, locks);
  const end = performance.now() + waitMs;
  for (let pause = 10; ; pause = Math.min(pause * 2, 250)) {
    const known = held.get(key);
    if (known?.run === run) return { hold: shared(key, known) };
    const got = await takeLock({ root, context, locks, hub, run });
    // By another path to the same repository.
    const other = got.taken ? undefined : [...held].find(([, { hold }]) => hold.folder.endsWith(got.owner.record.work));
    if (other?.[1].run === run) return { hold: shared(...other) };
    if (got.taken) {
      for (const one of got.overtaken) request.log?.(sayOvertaken(context, one));
      const entry = { hold: got.hold, run, uses: 0, signs: giveSigns(got.hold) };
      held.set(key, entry);
      const hold = shared(key, entry);
      try {
        if (of === 'points' && got.overtaken.some(({ why }) => why === 'silent')) await dropParts(root, context);
      } catch (error) {
        await hold[Symbol.asyncDispose]();
        throw error;
      }
      return { hold };
    }
    if (performance.now() >= end) return { owner: got.owner };
    await delay(pause, undefined, signal ? { signal } : {});
  }
}

function shared(key: string, entry: Entry): Held {
  entry.uses++;
  let given = false;
  return {
    ...entry.hold,
    async [Symbol.asyncDispose]() {
      if (given) return;
      given = true;
      if (--entry.uses > 0) return;
      held.delete(key);
      clearInterval(entry.signs);
      // A folder that cannot be removed keeps others away until this process has ended; what was done is done.
      await removeWork(entry.hold.folder).catch(() => undefined);
    },
  };
}

function giveSigns({ folder }: VmHold): NodeJS.Timeout {
  let count = 0;
  // Where the folder is gone, whatever goes through it says so.
  return setInterval(
    () => void writeFile(join(folder, signName), String(++count), { flag: 'r+' }).catch(() => undefined),
    signEveryMs,
  ).unref();
}

const sayOvertaken = (context: string, { record, why }: Overtaken): string =>
  why === 'dead'
    ? `the lock of ${context} was held by ${nameOf(record)}, whose process is gone`
    : `the lock of ${context} was taken over from ${nameOf(record)}, which gave no sign of life; if it is still active, it can no longer change anything`;

const nameOf = ({ run, host, process: { pid } }: LockOwner['record']): string =>
  `${run} on host ${host} (process ${pid})`;

/** What a user reads who has to wait. */
export function lockedBy({ context }: Pick<HoldRequest, 'context'>, { record, silentMs }: LockOwner): SendenseError {
  const left = Math.ceil((record.silent_after_ms - (silentMs ?? 0)) / 60_000);
  return new SendenseError(
    'run.locked',
    `${nameOf(record)} works on VM ${context} in this repository`,
    silentMs === null
      ? {}
      : {
          remedy: `Wait until it has ended. If that host is down, its lock can be taken over ${left <= 1 ? 'in a minute' : `in ${left} minutes`}: try again then.`,
        },
  );
}
