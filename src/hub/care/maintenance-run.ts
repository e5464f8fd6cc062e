import { newRunId } from '../../engine/run-id.ts';
import { errorToJson, exitCodeOf, SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { isRunning, thisProcess } from '../../host/process-identity.ts';
import { createJournal } from '../../state/create-journal.ts';
import { acquireLock } from '../../state/locks.ts';
import type { State } from '../../state/open-state.ts';

export interface MaintenanceRun {
  readonly id: string;
  /**
   * Takes the lock of a VM until the run ends, so that no backup, prune or copy of it goes on meanwhile.
   * @throws SendenseError `run.locked`
   */
  lock(repository: string, context: string): void;
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
  const end = (error: SendenseError | null): void =>
    journal.finishRun(id, {
      status: error === null ? 'succeeded' : error.code === 'run.cancelled' ? 'cancelled' : 'failed',
      exitCode: error === null ? 0 : exitCodeOf(error),
      result: {},
      error: error && errorToJson(error),
      warnings: [],
      published: false,
      unclean: false,
      finished: Date.now(),
    });
  try {
    const result = await work({ id, lock: (of, context) => lock(state, id, of, context) });
    end(null);
    return result;
  } catch (error) {
    end(toSendenseError(error));
    throw error;
  }
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
