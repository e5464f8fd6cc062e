import type { LockHolder } from '../../engine/journal.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';
import type { State } from '../database/open-state.ts';

export type IsRunning = (identity: ProcessIdentity) => boolean;

export type Acquired = { readonly acquired: true } | { readonly acquired: false; readonly holder: LockHolder };

/**
 * Takes a lock for a run that is in the database; it may hold it already. A lock of a run whose owner died stays until
 * that run has been recovered: recover it and ask again. Ending a run releases its locks.
 */
export function acquireLock(state: State, name: string, runId: string, isRunning: IsRunning): Acquired {
  return state.transaction(() => {
    const holder = lockHolder(state, name, isRunning);
    if (holder) return holder.runId === runId ? { acquired: true } : { acquired: false, holder };
    state.run(state.query.insertInto('locks').values({ name, run_id: runId, acquired: Date.now() }));
    return { acquired: true };
  });
}

/** Who holds a lock; undefined: nobody. */
export const lockHolder = (state: State, name: string, isRunning: IsRunning): LockHolder | undefined =>
  listLocks(state, isRunning).find((lock) => lock.name === name);

/** Every lock, by name. */
export function listLocks(state: State, isRunning: IsRunning): LockHolder[] {
  const rows = state.all(
    state.query
      .selectFrom('locks')
      .innerJoin('runs', 'runs.id', 'locks.run_id')
      .select(['locks.name', 'locks.run_id', 'locks.acquired', 'owner_pid', 'owner_start_time', 'owner_boot_id'])
      .orderBy('locks.name'),
  );
  return rows.map((row) => {
    const owner = { pid: row.owner_pid, start_time: row.owner_start_time, boot_id: row.owner_boot_id };
    return { name: row.name, runId: row.run_id, owner, alive: isRunning(owner), since: row.acquired };
  });
}

/** Gives the locks of a run back. */
export const releaseLocks = (state: State, runId: string): number =>
  state.run(state.query.deleteFrom('locks').where('run_id', '=', runId));

/** Gives one lock of a run back, where it holds it. */
export const releaseLock = (state: State, name: string, runId: string): number =>
  state.run(state.query.deleteFrom('locks').where('name', '=', name).where('run_id', '=', runId));
