import type { ProcessIdentity } from '../../schemas/types.ts';
import type { State } from '../database/open-state.ts';
import type { BootsTable } from '../database/tables.ts';
import type { IsRunning } from '../runs/locks.ts';
import type { PointKey } from '../points/restore-points.ts';

export type BootRow = Readonly<BootsTable>;
export type BootChange = Partial<Omit<BootsTable, 'id' | 'folder' | 'owner'>>;

/** All of them, the oldest first. */
export const listBoots = (state: State): BootRow[] =>
  state.all(state.query.selectFrom('boots').selectAll().orderBy('started').orderBy('id'));

export const findBoot = (state: State, id: string): BootRow | undefined =>
  state.first(state.query.selectFrom('boots').selectAll().where('id', '=', id));

/** It is durable when this returns. */
export const addBoot = (state: State, row: BootRow): void =>
  void state.run(state.query.insertInto('boots').values(row));

export const changeBoot = (state: State, id: string, change: BootChange): void =>
  void state.run(state.query.updateTable('boots').set(change).where('id', '=', id));

/** Nothing of it is left; its restore point is free. */
export const deleteBoot = (state: State, id: string): void =>
  void state.run(state.query.deleteFrom('boots').where('id', '=', id));

export type ClaimedBoot =
  | { readonly claimed: BootRow; readonly by?: never }
  /** Whose it is; null: there is no such VM any more. */
  | { readonly claimed: null; readonly by: ProcessIdentity | null };

/** Only one process at a time changes a VM. One that died with it is no hindrance. */
export const claimBoot = (state: State, id: string, me: ProcessIdentity, isRunning: IsRunning): ClaimedBoot =>
  state.transaction((): ClaimedBoot => {
    const row = findBoot(state, id);
    if (!row) return { claimed: null, by: null };
    const owner = ownerOf(row);
    if (owner !== null && isRunning(owner)) return { claimed: null, by: owner };
    state.run(
      state.query
        .updateTable('boots')
        .set({ owner: JSON.stringify(me) })
        .where('id', '=', id),
    );
    return { claimed: row };
  });

export const releaseBoot = (state: State, id: string): void =>
  void state.run(state.query.updateTable('boots').set({ owner: null }).where('id', '=', id));

export const ownerOf = ({ owner }: Pick<BootRow, 'owner'>): ProcessIdentity | null =>
  owner === null ? null : (JSON.parse(owner) as ProcessIdentity);

/** Which VM runs from each restore point of a VM, by backup id. Who has moved its data away needs none any more. */
export const bootsFrom = (state: State, { repository, context }: Omit<PointKey, 'backupId'>): Map<string, string> =>
  new Map(
    state
      .all(
        state.query
          .selectFrom('boots')
          .select(['backup_id', 'id'])
          .where('repository', '=', repository)
          .where('context', '=', context)
          .where('state', '!=', 'moved'),
      )
      .map(({ backup_id, id }) => [backup_id, id]),
  );
