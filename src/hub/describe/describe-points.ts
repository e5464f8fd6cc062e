import { join } from 'node:path';
import { diskName } from '../../repository/layout.ts';
import type { Marks } from '../../repository/marks.ts';
import { identityOf } from '../../repository/vm-identity.ts';
import { heldBytes } from '../../repository/retention/space.ts';
import type { ListedDisk, ListedPoint } from '../../state/points/listed-points.ts';
import { marksKey } from '../../state/points/point-marks.ts';
import { usedByOf } from '../../state/points/used-marks.ts';
import type { RestorePointOutput } from '../../schemas/types.ts';
import type { Verified } from './describe-verifications.ts';

/**
 * Restore points as `list` and `show` print them.
 * @param points every one of their VMs, oldest first, unless `lengths` has how long their chains are
 */
export function describePoints(
  points: readonly ListedPoint[],
  root: (repository: string) => string,
  marksIn: (repository: string) => ReadonlyMap<string, Marks>,
  verified: Verified,
  lengths: ReadonlyMap<string, number> = chainLengths(points),
): RestorePointOutput[] {
  const roots = new Map<string, string>();
  const folderOf = ({ repository, vm }: ListedPoint): string => {
    const key = `${repository}\n${vm.context}`;
    const folder = roots.get(key) ?? join(root(repository), vm.context);
    roots.set(key, folder);
    return folder;
  };
  const marks = new Map<string, ReadonlyMap<string, Marks>>();
  const markOf = ({ repository, vm, backup_id: id }: ListedPoint): Marks | undefined => {
    const known = marks.get(repository) ?? marksIn(repository);
    marks.set(repository, known);
    return known.size === 0 ? undefined : known.get(marksKey(vm.context, id));
  };
  return points.map((point) => {
    const folder = folderOf(point);
    const mark = markOf(point);
    return {
      backup_id: point.backup_id,
      vm: point.vm.name,
      repository: point.repository,
      identity: identityOf(point.vm, mark),
      kind: point.kind,
      parent: point.parent,
      created: point.created,
      kept: point.kept ?? null,
      ...(point.before_restore == null ? {} : { before_restore: point.before_restore }),
      file_bytes: sum(point.disks.map((disk) => disk.file_bytes)),
      capacity_bytes: sum(point.disks.map((disk) => disk.capacity_bytes)),
      chain_length: lengths.get(keyOf(point)) ?? 1,
      disks: point.disks.map((disk) => ({
        disk: diskName(disk.number),
        mode: disk.mode,
        reason: disk.reason,
        capacity_bytes: disk.capacity_bytes,
        file_bytes: disk.file_bytes,
        bytes_transferred: disk.bytes_transferred,
        ...(disk.bytes_read === null ? {} : { bytes_read: disk.bytes_read }),
        ...(disk.bytes_sent === null ? {} : { bytes_sent: disk.bytes_sent }),
        change_id: disk.change_id,
        parent: disk.parent,
        // Paths of a manifest are plain: join() would only spend time on them.
        path: `${folder}/${disk.path}`,
        digest: disk.digest,
        ...storedForm(disk),
      })),
      protected: mark?.protected ?? null,
      broken: mark?.broken ?? null,
      ...usedByOf(mark),
      verifications: verified({ repository: point.repository, context: point.vm.context, backup_id: point.backup_id }),
      warnings: point.warnings,
      not_protected: point.not_protected ?? [],
      snapshot: point.snapshot ?? null,
      vm_config: point.vm_config ? join(folder, point.vm_config.path) : null,
    };
  });
}

function storedForm({ encryption, compression }: ListedDisk): { key_id?: string; plain_bytes?: number } {
  return {
    ...(encryption === null ? {} : { key_id: (JSON.parse(encryption) as { key_id: string }).key_id }),
    ...(compression === null ? {} : { plain_bytes: (JSON.parse(compression) as { plain_bytes: number }).plain_bytes }),
  };
}

/** As `describePoints` gives them, with what their own files take on the disk where those can be looked at. */
export const withHeldBytes = (
  outputs: readonly RestorePointOutput[],
  points: readonly ListedPoint[],
  root: (repository: string) => string,
): Promise<RestorePointOutput[]> =>
  Promise.all(
    outputs.map(async (output, at) => {
      const point = points[at];
      if (!point) return output;
      const held = await heldBytes(join(root(point.repository), point.vm.context), point).catch(() => 0);
      return held === 0 ? output : { ...output, held_bytes: held };
    }),
  );

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const keyOf = (point: ListedPoint, id = point.backup_id): string => `${point.repository}\n${point.vm.context}\n${id}`;

/** Files in the longest chain of a point's disks; oldest first, so that a parent is counted before what is built on it. */
export function chainLengths(all: readonly ListedPoint[]): Map<string, number> {
  const disks = new Map<string, readonly number[]>();
  const lengths = new Map<string, number>();
  for (const point of all) {
    const own: number[] = [];
    let longest = 1;
    for (const { number, parent } of point.disks) {
      const length = (parent === null ? 0 : (disks.get(keyOf(point, parent))?.[number] ?? 0)) + 1;
      own[number] = length;
      longest = Math.max(longest, length);
    }
    disks.set(keyOf(point), own);
    lengths.set(keyOf(point), longest);
  }
  return lengths;
}
