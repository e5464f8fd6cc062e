import type { State } from '../database/open-state.ts';
import type { PointKey } from './restore-points.ts';
import type { VmContext } from './vm-disks.ts';

/** What a restore point is built on, and nothing else of it: who looks at each point of a long chain asks often. */
export interface PointLinks {
  readonly backup_id: string;
  readonly vm: { readonly context: string };
  readonly disks: readonly { readonly number: number; readonly parent: string | null }[];
}

/** Of all restore points of a VM, in the order in which they were made. */
export function pointLinks(state: State, { repository, context }: VmContext): PointLinks[] {
  const rows = state.all(
    state.query
      .selectFrom('backups')
      .leftJoin('backup_disks', (join) =>
        join
          .onRef('backup_disks.repository', '=', 'backups.repository')
          .onRef('backup_disks.context', '=', 'backups.context')
          .onRef('backup_disks.backup_id', '=', 'backups.backup_id'),
      )
      .select(['backups.backup_id', 'backup_disks.number', 'backup_disks.parent'])
      .where('backups.repository', '=', repository)
      .where('backups.context', '=', context)
      .orderBy('backups.sequence')
      .orderBy('backups.backup_id')
      .orderBy('backup_disks.number'),
  );
  return [...Map.groupBy(rows, ({ backup_id: id }) => id)].map(([id, its]) => ({
    backup_id: id,
    vm: { context },
    disks: its.flatMap(({ number, parent }) => (number === null ? [] : [{ number, parent }])),
  }));
}

/** Of its manifest, as the database knows it now; null: it knows of no such restore point. */
export const checksumOf = (state: State, { repository, context, backupId }: PointKey): string | null =>
  state.first(
    state.query
      .selectFrom('backups')
      .select('checksum')
      .where('repository', '=', repository)
      .where('context', '=', context)
      .where('backup_id', '=', backupId),
  )?.checksum ?? null;

/** Whether the database knows of it now. */
export const hasPoint = (state: State, key: PointKey): boolean => checksumOf(state, key) !== null;

/** Whether it is there, and has a disk of that number. */
export const hasDisk = (state: State, { repository, context, backupId }: PointKey, number: number): boolean =>
  state.first(
    state.query
      .selectFrom('backup_disks')
      .select('number')
      .where('repository', '=', repository)
      .where('context', '=', context)
      .where('backup_id', '=', backupId)
      .where('number', '=', number),
  ) !== undefined;
