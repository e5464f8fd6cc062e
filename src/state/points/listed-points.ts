import type { Manifest } from '../../schemas/types.ts';
import type { State } from '../database/open-state.ts';
import { byAge, pointQueries, type PointFilter } from './point-queries.ts';
import type { RestorePoint } from './restore-points.ts';

/** What lists show of a disk. */
export type ListedDisk = Pick<
  Manifest['disks'][number],
  | 'number'
  | 'mode'
  | 'reason'
  | 'capacity_bytes'
  | 'file_bytes'
  | 'bytes_transferred'
  | 'change_id'
  | 'parent'
  | 'path'
  | 'digest'
> & {
  readonly bytes_read: number | null;
  readonly bytes_sent: number | null;
  /** JSON, as in the manifest. */
  readonly encryption: string | null;
  readonly compression: string | null;
};

/** What lists show of a restore point: a part of it, because reading all of ten thousand takes a third of a second. */
export interface ListedPoint extends Pick<
  RestorePoint,
  | 'repository'
  | 'backup_id'
  | 'kind'
  | 'parent'
  | 'plan'
  | 'created'
  | 'sequence'
  | 'warnings'
  | 'not_protected'
  | 'snapshot'
  | 'vm_config'
  | 'kept'
  | 'before_restore'
> {
  readonly vm: Pick<RestorePoint['vm'], 'name' | 'context' | 'instance_uuid'>;
  readonly disks: readonly ListedDisk[];
}

const pointColumns = [
  'backups.repository',
  'backups.context',
  'backups.backup_id',
  'backups.kind',
  'backups.parent',
  'backups.plan',
  'backups.created',
  'backups.sequence',
  'backups.warnings',
  'backups.not_protected',
  'backups.snapshot',
  'backups.vm_config',
  'backups.kept',
  'backups.before_restore',
  'backups.vm_instance_uuid',
  'vm_contexts.vm_name',
] as const;

const diskColumns = [
  'repository',
  'context',
  'backup_id',
  'number',
  'mode',
  'reason',
  'capacity_bytes',
  'file_bytes',
  'bytes_transferred',
  'bytes_read',
  'bytes_sent',
  'change_id',
  'parent',
  'path',
  'digest',
  'encryption',
  'compression',
] as const;

/** Restore points, oldest first. */
export const listedPoints = (state: State, filter: PointFilter = {}): ListedPoint[] =>
  state.reading(() => {
    const queries = pointQueries(state, filter);
    const disks = disksByPoint(state.all(queries.disks.select(diskColumns)));
    return state
      .all(queries.points.select(pointColumns))
      .map((row) => ({
        repository: row.repository,
        backup_id: row.backup_id,
        vm: { name: row.vm_name, context: row.context, instance_uuid: row.vm_instance_uuid },
        kind: row.kind,
        parent: row.parent,
        plan: row.plan,
        created: row.created,
        sequence: row.sequence,
        warnings: listIn<string>(row.warnings),
        not_protected: listIn<NonNullable<Manifest['not_protected']>[number]>(row.not_protected),
        snapshot: valueIn<NonNullable<Manifest['snapshot']>>(row.snapshot),
        vm_config: valueIn<NonNullable<Manifest['vm_config']>>(row.vm_config),
        kept: valueIn<NonNullable<Manifest['kept']>>(row.kept),
        before_restore: row.before_restore,
        disks: disks.get(keyOf(row.repository, row.context, row.backup_id)) ?? [],
      }))
      .sort(byAge);
  });

type DiskRow = ListedDisk & { readonly repository: string; readonly context: string; readonly backup_id: string };

function disksByPoint(rows: readonly DiskRow[]): Map<string, DiskRow[]> {
  const found = new Map<string, DiskRow[]>();
  let last: DiskRow | undefined;
  let group: DiskRow[] = [];
  for (const row of rows) {
    const same =
      last?.backup_id === row.backup_id && last.context === row.context && last.repository === row.repository;
    if (!same) found.set(keyOf(row.repository, row.context, row.backup_id), (group = []));
    group.push(row);
    last = row;
  }
  return found;
}

const keyOf = (repository: string, context: string, backupId: string): string =>
  `${repository}\n${context}\n${backupId}`;

/** Most are empty, and parsing ten thousand times is not for nothing. */
const listIn = <T>(text: string | null): T[] => (text === null || text === '[]' ? [] : (JSON.parse(text) as T[]));
const valueIn = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T));
