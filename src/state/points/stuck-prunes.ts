import type { State } from '../database/open-state.ts';
import type { StuckPrunesTable } from '../database/tables.ts';
import type { VmContext } from './vm-disks.ts';

/** VMs of which the last prune could not remove what no rule keeps, for a reason that does not pass by itself. */
export const stuckPrunes = (state: State): StuckPrunesTable[] =>
  state.all(state.query.selectFrom('stuck_prunes').selectAll().orderBy('repository').orderBy('context'));

/** What the last prune of a VM has found. @param found null: all went that was to go */
export function setStuckPrune(
  state: State,
  { repository, context }: VmContext,
  found: { readonly points: number; readonly reason: string } | null,
  now: number,
): void {
  if (found === null) {
    const own = state.query.deleteFrom('stuck_prunes').where('repository', '=', repository);
    state.run(own.where('context', '=', context));
    return;
  }
  const { points, reason } = found;
  state.run(
    state.query
      .insertInto('stuck_prunes')
      .values({ repository, context, points, reason, since: now })
      .onConflict((conflict) => conflict.columns(['repository', 'context']).doUpdateSet({ points, reason })),
  );
}

export const forgetStuckPrunes = (state: State, repository: string): void =>
  void state.run(state.query.deleteFrom('stuck_prunes').where('repository', '=', repository));
