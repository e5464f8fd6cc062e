import type { ProcessIdentity } from '../../schemas/types.ts';
import type { IsRunning } from '../runs/locks.ts';
import type { State } from './open-state.ts';

export interface UpkeepClaim {
  readonly task: string;
  readonly owner: ProcessIdentity;
  /** How long ago it must have begun to be due again, in milliseconds. */
  readonly every: number;
  readonly now: number;
  /** Whether it is due before that, by what it did last. */
  readonly sooner?: ((detail: unknown) => boolean) | undefined;
}

/** Takes a task that is due; false where it is not, or where a living process is at it. Atomic between processes. */
export function claimUpkeep(
  state: State,
  { task, owner, every, now, sooner }: UpkeepClaim,
  isRunning: IsRunning,
): boolean {
  return state.transaction(() => {
    const last = state.first(state.query.selectFrom('upkeep').selectAll().where('task', '=', task));
    if (last) {
      if (last.finished === null && isRunning(JSON.parse(last.owner) as ProcessIdentity)) return false;
      const early = last.finished !== null && now - last.begun < every && last.begun <= now;
      if (early && !sooner?.(last.detail === null ? null : JSON.parse(last.detail))) return false;
    }
    const row = { task, begun: now, finished: null, owner: JSON.stringify(owner), detail: last?.detail ?? null };
    state.run(
      state.query
        .insertInto('upkeep')
        .values(row)
        .onConflict((conflict) => conflict.doUpdateSet(row)),
    );
    return true;
  });
}

export function finishUpkeep(state: State, task: string, finished: number, detail: unknown): void {
  state.run(
    state.query
      .updateTable('upkeep')
      .set({ finished, detail: JSON.stringify(detail ?? null) })
      .where('task', '=', task),
  );
}

/** When each task was done last, and what it did. */
export const listUpkeep = (state: State): { task: string; begun: number; finished: number | null; detail: unknown }[] =>
  state.all(state.query.selectFrom('upkeep').selectAll().orderBy('task')).map(({ task, begun, finished, detail }) => ({
    task,
    begun,
    finished,
    detail: detail === null ? null : (JSON.parse(detail) as unknown),
  }));
