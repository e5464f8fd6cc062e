import { SendenseError } from '../../errors/sendense-error.ts';
import type { Manifest } from '../../schemas/types.ts';
import type { State } from '../database/open-state.ts';
import { pointTimes } from './point-times.ts';
import type { BackupDisksTable, BackupsTable } from '../database/tables.ts';
import { addContext, addDisk, type VmContext } from './vm-disks.ts';

/** A restore point as its manifest says, with the repository's name and the times in milliseconds since the epoch. */
export interface RestorePoint extends Omit<Manifest, 'format' | 'started' | 'created' | 'sequence' | 'disks'> {
  /** Name of the repository in the settings. */
  readonly repository: string;
  readonly started: number;
  /** As the hub's clock was: `pointTimes` says when it was made. */
  readonly created: number;
  /** Its place among the points of the VM. */
  readonly sequence: number;
  /** By number; paths are relative to the manifest. */
  readonly disks: readonly Manifest['disks'][number][];
}

export interface PointKey extends VmContext {
  readonly backupId: string;
}

export interface PointFilter {
  readonly repository?: string;
  readonly context?: string;
  readonly vmName?: string;
  readonly backupId?: string;
}

/**
 * Enters a restore point, its VM and its disks in one transaction. The manifest is the truth: one of the same backup id
 * but with another checksum takes the old one's place.
 * @throws SendenseError `repository.damaged` where a disk's number or uuid contradicts other restore points
 */
export function insertRestorePoint(
  state: State,
  repository: string,
  manifest: Manifest,
): 'inserted' | 'present' | 'replaced' {
  const { context, name } = manifest.vm;
  const row = toRow(repository, manifest);
  return state.transaction(() => {
    const before = findPoint(state, { repository, context, backupId: row.backup_id });
    if (before?.checksum === row.checksum) return 'present';
    if (before) state.run(deletion(state, { repository, context, backupId: row.backup_id }));
    addContext(state, { repository, context, vmName: name }, row.created);
    state.run(state.query.insertInto('backups').values(row));
    for (const disk of manifest.disks) {
      addDisk(state, { repository, context }, disk, row.created);
      state.run(state.query.insertInto('backup_disks').values(toDiskRow(row, disk)));
    }
    return before ? 'replaced' : 'inserted';
  });
}

/** Restore points in the order in which they were made. */
export function points(state: State, filter: PointFilter = {}): RestorePoint[] {
  let query = state.query
    .selectFrom('backups')
    .innerJoin('vm_contexts', (join) =>
      join
        .onRef('vm_contexts.repository', '=', 'backups.repository')
        .onRef('vm_contexts.context', '=', 'backups.context'),
    )
    .selectAll('backups')
    .select('vm_contexts.vm_name')
    .orderBy('backups.sequence')
    .orderBy('backups.backup_id');
  let disks = state.query.selectFrom('backup_disks').selectAll().orderBy('number');
  if (filter.repository !== undefined) {
    query = query.where('backups.repository', '=', filter.repository);
    disks = disks.where('repository', '=', filter.repository);
  }
  if (filter.context !== undefined) {
    query = query.where('backups.context', '=', filter.context);
    disks = disks.where('context', '=', filter.context);
  }
  if (filter.backupId !== undefined) {
    query = query.where('backups.backup_id', '=', filter.backupId);
    disks = disks.where('backup_id', '=', filter.backupId);
  }
  if (filter.vmName !== undefined) {
    query = query.where('vm_contexts.vm_name', '=', filter.vmName);
    const own = state.query
      .selectFrom('vm_contexts')
      .select(['repository', 'context'])
      .where('vm_name', '=', filter.vmName);
    disks = disks.where(({ eb, refTuple }) =>
      eb(refTuple('repository', 'context'), 'in', own.$asTuple('repository', 'context')),
    );
  }
  const rows = state.all(query);
  const byPoint = Map.groupBy(state.all(disks), nameOf);
  return rows.map((row) => toPoint(row, byPoint.get(nameOf(row)) ?? []));
}

/** Whether a repository has any. */
export const hasPoints = (state: State, repository: string): boolean =>
  state.first(state.query.selectFrom('backups').select('backup_id').where('repository', '=', repository).limit(1)) !==
  undefined;

export const findPoint = (state: State, key: PointKey): RestorePoint | undefined => points(state, key)[0];

/** The newest restore point of a VM. */
export function latestPoint(state: State, { repository, context }: VmContext): RestorePoint | undefined {
  const row = state.first(
    state.query
      .selectFrom('backups')
      .select('backup_id')
      .where('repository', '=', repository)
      .where('context', '=', context)
      .orderBy('sequence', 'desc')
      .orderBy('backup_id', 'desc')
      .limit(1),
  );
  return row && findPoint(state, { repository, context, backupId: row.backup_id });
}

/** The newest one that was made before `time`, in milliseconds since the epoch, as far as that can be told. */
export function pointBefore(state: State, { repository, context }: VmContext, time: number): RestorePoint | undefined {
  const all = points(state, { repository, context });
  const times = pointTimes(all, Date.now());
  return all.findLast((_point, at) => (times[at] ?? 0) < time);
}

/**
 * Forgets a restore point; its files are the caller's business. False: it was not there.
 * @throws SendenseError `point.needed` where a disk of another restore point is built on it
 */
export function deletePoint(state: State, key: PointKey): boolean {
  return state.transaction(() => {
    const above = state.first(
      state.query
        .selectFrom('backup_disks')
        .select('backup_id')
        .where('repository', '=', key.repository)
        .where('context', '=', key.context)
        .where('parent', '=', key.backupId),
    );
    if (above) {
      throw new SendenseError('point.needed', `${above.backup_id} of ${key.context} is built on ${key.backupId}`);
    }
    return state.run(deletion(state, key)) > 0;
  });
}

const deletion = (state: State, key: PointKey) =>
  state.query
    .deleteFrom('backups')
    .where('repository', '=', key.repository)
    .where('context', '=', key.context)
    .where('backup_id', '=', key.backupId);

const nameOf = (row: { repository: string; context: string; backup_id: string }): string =>
  JSON.stringify([row.repository, row.context, row.backup_id]);

const jsonOrNull = (value: unknown): string | null =>
  value === undefined || value === null ? null : JSON.stringify(value);
const fromJson = <T>(text: string | null): T | null => (text === null ? null : (JSON.parse(text) as T));

export const toRow = (repository: string, manifest: Manifest): BackupsTable => ({
  repository,
  context: manifest.vm.context,
  backup_id: manifest.backup_id,
  kind: manifest.kind,
  plan: manifest.plan,
  run_id: manifest.run_id,
  parent: manifest.parent,
  started: milliseconds(manifest, 'started'),
  created: milliseconds(manifest, 'created'),
  sequence: manifest.sequence ?? milliseconds(manifest, 'created'),
  producer_version: manifest.producer.version,
  qemu_version: manifest.producer.qemu,
  removed_disks: JSON.stringify(manifest.removed_disks),
  warnings: JSON.stringify(manifest.warnings),
  vm_instance_uuid: manifest.vm.instance_uuid ?? null,
  vm_path: manifest.vm.path ?? null,
  vm_config: jsonOrNull(manifest.vm_config),
  snapshot: jsonOrNull(manifest.snapshot),
  not_protected: jsonOrNull(manifest.not_protected),
  kept: jsonOrNull(manifest.kept),
  before_restore: manifest.before_restore ?? null,
  restored_in_place: manifest.restored_in_place ?? null,
  checksum: manifest.checksum,
});

function milliseconds(manifest: Manifest, field: 'started' | 'created'): number {
  const time = Date.parse(manifest[field]);
  if (Number.isFinite(time)) return time;
  throw new SendenseError(
    'repository.damaged',
    `manifest ${manifest.backup_id}: ${field} is no time: ${manifest[field]}`,
  );
}

export const toDiskRow = (
  { repository, context, backup_id }: BackupsTable,
  { index, envelope, encryption, compression, bytes_read, bytes_sent, ...disk }: Manifest['disks'][number],
): BackupDisksTable => ({
  repository,
  context,
  backup_id,
  ...disk,
  bytes_read: bytes_read ?? null,
  bytes_sent: bytes_sent ?? null,
  index_path: index.path,
  index_bytes: index.bytes,
  index_sha256: index.sha256,
  envelope: envelope ?? null,
  encryption: jsonOrNull(encryption),
  compression: jsonOrNull(compression),
});

const toPoint = (row: BackupsTable & { vm_name: string }, disks: readonly BackupDisksTable[]): RestorePoint => ({
  repository: row.repository,
  backup_id: row.backup_id,
  vm: { name: row.vm_name, context: row.context, instance_uuid: row.vm_instance_uuid, path: row.vm_path },
  kind: row.kind,
  plan: row.plan,
  run_id: row.run_id,
  parent: row.parent,
  started: row.started,
  created: row.created,
  sequence: row.sequence,
  producer: { name: 'sendense', version: row.producer_version, qemu: row.qemu_version },
  disks: disks.map(toDisk),
  removed_disks: JSON.parse(row.removed_disks) as Manifest['removed_disks'],
  warnings: JSON.parse(row.warnings) as string[],
  vm_config: fromJson<NonNullable<Manifest['vm_config']>>(row.vm_config),
  snapshot: fromJson<NonNullable<Manifest['snapshot']>>(row.snapshot),
  not_protected: fromJson<NonNullable<Manifest['not_protected']>>(row.not_protected) ?? [],
  kept: fromJson<NonNullable<Manifest['kept']>>(row.kept),
  before_restore: row.before_restore,
  restored_in_place: row.restored_in_place,
  checksum: row.checksum,
});

function toDisk(row: BackupDisksTable): Manifest['disks'][number] {
  const { repository: _repository, context: _context, backup_id: _id, ...rest } = row;
  const { index_path, index_bytes, index_sha256, envelope, encryption, compression, ...known } = rest;
  const { bytes_read, bytes_sent, ...disk } = known;
  type Disk = Manifest['disks'][number];
  return {
    ...disk,
    ...(bytes_read === null ? {} : { bytes_read }),
    ...(bytes_sent === null ? {} : { bytes_sent }),
    index: { path: index_path, bytes: index_bytes, sha256: index_sha256 },
    ...(envelope === null ? {} : { envelope }),
    ...(encryption === null ? {} : { encryption: fromJson<NonNullable<Disk['encryption']>>(encryption) }),
    ...(compression === null ? {} : { compression: fromJson<NonNullable<Disk['compression']>>(compression) }),
  };
}
