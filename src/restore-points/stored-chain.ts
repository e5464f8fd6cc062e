import { join } from 'node:path';
import type { StoredDisk } from '../repository/verify-chain.ts';
import { findPoint, type RestorePoint } from '../state/points/restore-points.ts';
import type { State } from '../state/database/open-state.ts';

type Disk = RestorePoint['disks'][number];

/** A disk of a restore point with paths relative to the repository. */
export const storedDisk = (point: RestorePoint, disk: Disk): StoredDisk => ({
  backupId: point.backup_id,
  number: disk.number,
  uuid: disk.uuid,
  capacity: disk.capacity_bytes,
  path: join(point.vm.context, disk.path),
  indexPath: join(point.vm.context, disk.index.path),
  indexSha256: disk.index.sha256,
  fileBytes: disk.file_bytes,
  fileMtimeNs: disk.file_mtime_ns,
  digest: disk.digest,
  changeId: disk.change_id,
  parent: disk.parent,
  encryption: disk.encryption ?? null,
});

/** The chain of one disk, newest first, down to its full; or why there is none. */
export function storedChain(state: State, newest: RestorePoint, number: number): StoredDisk[] | string {
  const chain: StoredDisk[] = [];
  let point: RestorePoint | undefined = newest;
  let id: string | null = newest.backup_id;
  const seen = new Set<string>();
  while (id !== null) {
    if (seen.has(id)) return `disk-${number} of ${newest.backup_id} is built on itself, through ${id}`;
    seen.add(id);
    if (id !== newest.backup_id)
      point = findPoint(state, { repository: newest.repository, context: newest.vm.context, backupId: id });
    const disk: Disk | undefined = point?.disks.find((entry) => entry.number === number);
    if (!point || !disk) return `disk-${number} of ${newest.backup_id} is built on ${id}, which is not known`;
    chain.push(storedDisk(point, disk));
    id = disk.parent;
  }
  return chain;
}
