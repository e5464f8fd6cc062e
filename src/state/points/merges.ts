import type { ProcessIdentity } from '../../schemas/types.ts';
import type { IsRunning } from '../runs/locks.ts';
import type { State } from '../database/open-state.ts';
import type { VmContext } from './vm-disks.ts';

/** What this process holds: a claim that could not be given back, because the disk was full, must not stay for ever. */
const held = new Set<string>();

const nameOf = (state: State, { repository, context }: VmContext): string =>
  JSON.stringify([state.path, repository, context]);

/**
 * Whoever removes restore points of a VM, or finishes a removal that was cut off, claims the VM first: one at a time, also
 * within a process. The claim of a process that died is taken over.
 * @returns who has it; null: the caller has it now
 */
export const claimMerges = (
  state: State,
  vm: VmContext,
  by: ProcessIdentity,
  isRunning: IsRunning,
): ProcessIdentity | null =>
  state.transaction(() => {
    const { repository, context } = vm;
    const row = state.first(
      state.query
        .selectFrom('merges')
        .select('owner')
        .where('repository', '=', repository)
        .where('context', '=', context),
    );
    const holder = row?.owner == null ? null : (JSON.parse(row.owner) as ProcessIdentity);
    const ours = holder?.pid === by.pid && holder.start_time === by.start_time && holder.boot_id === by.boot_id;
    if (holder && (ours ? held.has(nameOf(state, vm)) : isRunning(holder))) return holder;
    const owner = JSON.stringify(by);
    state.run(
      state.query
        .insertInto('merges')
        .values({ repository, context, owner, begun: Date.now() })
        .onConflict((conflict) => conflict.columns(['repository', 'context']).doUpdateSet({ owner })),
    );
    held.add(nameOf(state, vm));
    return null;
  });

/** Gives the claim back. @param finished nothing is left to be finished */
export function releaseMerges(state: State, vm: VmContext, finished: boolean): void {
  const { repository, context } = vm;
  held.delete(nameOf(state, vm));
  state.run(
    finished
      ? state.query.deleteFrom('merges').where('repository', '=', repository).where('context', '=', context)
      : state.query
          .updateTable('merges')
          .set({ owner: null })
          .where('repository', '=', repository)
          .where('context', '=', context),
  );
}

/** Directories of VMs of a repository of which restore points are being removed at this moment. */
export const livingMerges = (state: State, repository: string, isRunning: IsRunning): string[] =>
  state
    .all(state.query.selectFrom('merges').select(['context', 'owner']).where('repository', '=', repository))
    .filter(({ owner }) => owner !== null && isRunning(JSON.parse(owner) as ProcessIdentity))
    .map(({ context }) => context);

/** Directories of VMs of a repository that are being worked on or have something to be finished. */
export const listMerges = (state: State, repository: string): string[] =>
  state
    .all(state.query.selectFrom('merges').select('context').where('repository', '=', repository).orderBy('context'))
    .map(({ context }) => context);
