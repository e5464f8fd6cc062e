import { join } from 'node:path';
import { diskName } from '../repository/layout.ts';
import type { RestorePoint } from '../state/restore-points.ts';
import type { RestorePointOutput } from '../schemas/types.ts';

/** Restore points as `list` and `show` print them. `all` holds every point of their VMs. */
export function describePoints(
  points: readonly RestorePoint[],
  all: readonly RestorePoint[],
  root: (repository: string) => string,
): RestorePointOutput[] {
  const lengths = chainLengths(all);
  return points.map((point) => ({
    backup_id: point.backup_id,
    vm: point.vm.name,
    repository: point.repository,
    kind: point.kind,
    parent: point.parent,
    created: point.created,
    file_bytes: sum(point.disks.map((disk) => disk.file_bytes)),
    capacity_bytes: sum(point.disks.map((disk) => disk.capacity_bytes)),
    chain_length: Math.max(...point.disks.map((disk) => lengths.get(keyOf(point, disk.number)) ?? 1)),
    disks: point.disks.map((disk) => ({
      disk: diskName(disk.number),
      mode: disk.mode,
      reason: disk.reason,
      capacity_bytes: disk.capacity_bytes,
      file_bytes: disk.file_bytes,
      bytes_transferred: disk.bytes_transferred,
      change_id: disk.change_id,
      parent: disk.parent,
      path: join(root(point.repository), point.vm.context, disk.path),
      digest: disk.digest,
    })),
    warnings: point.warnings,
    not_protected: point.not_protected ?? [],
    snapshot: point.snapshot ?? null,
    vm_config: point.vm_config ? join(root(point.repository), point.vm.context, point.vm_config.path) : null,
  }));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const keyOf = (point: RestorePoint, number: number, id = point.backup_id): string =>
  `${point.repository}/${point.vm.context}/${id}/${number}`;

/** Files in the chain of each disk; oldest first, so that a parent is counted before what is built on it. */
function chainLengths(all: readonly RestorePoint[]): Map<string, number> {
  const lengths = new Map<string, number>();
  for (const point of all) {
    for (const disk of point.disks) {
      const below = disk.parent === null ? 0 : (lengths.get(keyOf(point, disk.number, disk.parent)) ?? 0);
      lengths.set(keyOf(point, disk.number), below + 1);
    }
  }
  return lengths;
}
