import { cancelledBy } from '../../engine/install-signals.ts';
import { newRunId } from '../../engine/run-id.ts';
import { errorToJson, exitCodeOf, SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { isRunning, thisProcess } from '../../host/programs/process-identity.ts';
import { createJournal } from '../../state/runs/create-journal.ts';
import { stoppedBy } from '../../state/runs/runs.ts';
import { acquireLock } from '../../state/runs/locks.ts';
import type { VmHold } from '../../repository/vm-lock/vm-hold.ts';
import type { State } from '../../state/database/open-state.ts';
import { holdPoints } from '../../restore-points/hold/hold-points.ts';

export interface MaintenanceRun {
  readonly id: string;
  /**
   * Takes the lock of a VM, that of this hub and that of the repository, until the run ends: no backup, prune or copy of it goes on
   * meanwhile, whatever hub makes it.
   * @throws SendenseError `run.locked`, `repository.unusable`
   */
  lock(place: LockedPlace): Promise<VmHold>;
  /**
   * As {@link lock}, for what only reads; null where the repository is mounted read-only: nobody can change anything there from here.
   */
  lockToRead(place: LockedPlace): Promise<VmHold | null>;
}

export interface LockedPlace {
  /** Name of the repository. */
  readonly repository: string;
  /** Absolute path of it. */
  readonly root: string;
  readonly context: string;
}

/** What a command does to a repository is a run in the journal, so that it can hold locks, and so that `status` shows it. */
export async function maintenanceRun<T>(
  state: State,
  { name, vm, repository }: { readonly name: string; readonly vm: string; readonly repository: string },
  work: (run: MaintenanceRun) => Promise<T>,
): Promise<T> {
  const journal = createJournal(state, isRunning);
  const started = Date.now();
  const id = newRunId(started);
  journal.startRun({
    id,
    plan: name,
    kind: 'care',
    vm,
    planFile: '',
    planFolder: '',
    owner: thisProcess(),
    started,
    lock: null,
    repository,
    origin: { trigger: 'command' },
  });
  const finish = (error: SendenseError | null, finished: number): void =>
    journal.finishRun(id, {
      status: error === null ? 'succeeded' : error.code === 'run.cancelled' ? 'cancelled' : 'failed',
      exitCode: error === null ? 0 : exitCodeOf(error),
      result: {},
      error: error && errorToJson(error),
      warnings: [],
      published: false,
      unclean: false,
      finished,
    });
  const end = (error: SendenseError | null): void => {
    const finished = Date.now();
    untilWritten(() => finish(error, finished));
  };
  let failed: SendenseError | null = null;
  try {
    await using holds = new AsyncDisposableStack();
    const hold = async ({ repository: of, root, context }: LockedPlace): Promise<VmHold> => {
      lock(state, id, of, context);
      return holds.use(await holdPoints(state, { root, context, run: id }));
    };
    const result = await work({
      id,
      lock: hold,
      lockToRead: (place) => hold(place).catch((error: unknown) => nullIfReadOnly(error)),
    });
    await holds.disposeAsync();
    return result;
  } catch (reason) {
    failed = toSendenseError(reason);
    if (failed.code !== 'run.cancelled') throw reason;
    const who = stoppedBy(state, id);
    failed = who === null ? failed : cancelledBy(who);
    throw failed;
  } finally {
    end(failed);
  }
}

/** How often it is tried again to write down the end of a run, ms. */
const againMs = 1000;

/**
 * Writes down the end of a run, which lets go of its locks. Where the disk is full it is tried again for as long as this process lives: to
 * all others the run goes on until then.
 * @throws SendenseError `disk.full`, although it is tried again
 */
function untilWritten(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (toSendenseError(error).code === 'disk.full') setTimeout(() => again(write), againMs).unref();
    throw error;
  }
}

function again(write: () => void): void {
  try {
    untilWritten(write);
  } catch {
    // It is tried again, or the database was closed.
  }
}

function nullIfReadOnly(error: unknown): null {
  const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
  if (code === 'EROFS') return null;
  throw error;
}

function lock(state: State, id: string, repository: string, context: string): void {
  const got = acquireLock(state, `${repository}/${context}`, id, isRunning);
  if (got.acquired) return;
  const { holder } = got;
  throw new SendenseError(
    'run.locked',
    `run ${holder.runId} works on ${context} in repository ${repository}${holder.alive ? '' : ', and its process died'}`,
    holder.alive ? {} : { remedy: '`sendense-run recover`, then again.' },
  );
}
