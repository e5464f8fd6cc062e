import type { Manifest } from '../../schemas/types.ts';
import { marksOf, marksKey, type Marks } from './point-marks.ts';
import type { State } from '../database/open-state.ts';
import { usersOf } from './point-uses.ts';
import { toDiskRow, toRow } from './restore-points.ts';
import type { VmContext } from './vm-disks.ts';

export interface Unpublish {
  /** Backup ids. */
  readonly removed: readonly string[];
  /** Those, and all whose chains have files of theirs. */
  readonly affected: ReadonlySet<string>;
  /** What a kept restore point is built on from now on. */
  readonly child: {
    readonly backupId: string;
    readonly disks: readonly { readonly number: number; readonly parent: string | null }[];
  } | null;
}

/**
 * Why restore points may not go at this moment; null: nothing speaks against it.
 * @param marks as the files have them; default: as the database does
 */
export function whatKeeps(
  state: State,
  vm: VmContext,
  { removed, affected }: Unpublish,
  now: number,
  marks: ReadonlyMap<string, Marks> = marksOf(state, vm),
): string | null {
  const users = usersOf(state, vm, marks);
  for (const id of affected) {
    const user = users.get(id);
    if (user !== undefined) return `${user} ${removed.includes(id) ? 'it' : `${id}, which is built on it`}`;
  }
  for (const id of removed) {
    const kept = marks.get(marksKey(vm.context, id))?.protected;
    if (kept && (kept.until === null || kept.until > now)) return `${id} is protected`;
  }
  return null;
}

/**
 * In one transaction with the question whether anybody reads them: nobody finds these restore points any more, and who is
 * built on them is built on something else. Again is fine.
 * @returns why not; null: done
 */
export const unpublishPoints = (state: State, vm: VmContext, what: Unpublish, now: number): string | null =>
  state.transaction(() => {
    const kept = whatKeeps(state, vm, what, now);
    if (kept !== null) return kept;
    for (const id of what.removed) {
      for (const table of ['backups', 'point_marks'] as const)
        state.run(
          state.query
            .deleteFrom(table)
            .where('repository', '=', vm.repository)
            .where('context', '=', vm.context)
            .where('backup_id', '=', id),
        );
    }
    const { child } = what;
    for (const { number, parent } of child?.disks ?? [])
      state.run(diskOf(state, vm, child?.backupId ?? '', number).set({ parent }));
    return null;
  });

/** A restore point has another manifest since it was merged with what it was built on. Its verifications stay. */
export const recordMerged = (state: State, vm: VmContext, manifest: Manifest): void =>
  state.transaction(() => {
    const row = toRow(vm.repository, manifest);
    state.run(
      state.query
        .updateTable('backups')
        .set(row)
        .where('repository', '=', vm.repository)
        .where('context', '=', vm.context)
        .where('backup_id', '=', row.backup_id),
    );
    for (const disk of manifest.disks)
      state.run(diskOf(state, vm, row.backup_id, disk.number).set(toDiskRow(row, disk)));
  });

const diskOf = (state: State, { repository, context }: VmContext, id: string, number: number) =>
  state.query
    .updateTable('backup_disks')
    .where('repository', '=', repository)
    .where('context', '=', context)
    .where('backup_id', '=', id)
    .where('number', '=', number);
