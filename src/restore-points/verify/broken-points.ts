import type { Marks } from '../../repository/marks.ts';
import { marksKey } from '../../state/points/point-marks.ts';
import type { PointLinks } from '../../state/points/point-links.ts';

type Links = Pick<PointLinks, 'backup_id' | 'disks'>;

/** The restore points that a disk of this one is built on, directly or not. */
export function parentsOf(point: Links, all: ReadonlyMap<string, Links>): Set<string> {
  const found = new Set<string>();
  const queue: Links[] = [point];
  for (let entry = queue.pop(); entry; entry = queue.pop()) {
    for (const { parent } of entry.disks) {
      if (parent === null || found.has(parent)) continue;
      found.add(parent);
      const below = all.get(parent);
      if (below) queue.push(below);
    }
  }
  return found;
}

/** The restore points of one VM that are built on this one, directly or not, oldest first. */
export function dependentsOf(backupId: string, all: readonly Links[]): string[] {
  const byId = new Map(all.map((point) => [point.backup_id, point]));
  return all.filter((point) => parentsOf(point, byId).has(backupId)).map((point) => point.backup_id);
}

/** Why a restore point of one VM cannot be relied on; null: nothing is known against it. */
export type Unsound = { readonly backupId: string; readonly reason: string } | null;

/**
 * The broken restore point that this one is, or is built on.
 * @param disks only these numbers; default: all. What is broken as a whole counts for each disk.
 */
export function brokenBelow(
  point: PointLinks,
  all: readonly Links[],
  marks: ReadonlyMap<string, Marks>,
  disks?: readonly number[],
): Unsound {
  const byId = new Map(all.map((entry) => [entry.backup_id, entry]));
  const wanted = disks ?? point.disks.map(({ number }) => number);
  for (const number of wanted) {
    const seen = new Set<string>();
    for (let id: string | null = point.backup_id; id !== null && !seen.has(id);) {
      seen.add(id);
      const broken = marks.get(marksKey(point.vm.context, id))?.broken;
      if (broken && (broken.disks.length === 0 || broken.disks.includes(number)))
        return { backupId: id, reason: broken.reason };
      id = byId.get(id)?.disks.find((disk) => disk.number === number)?.parent ?? null;
    }
  }
  return null;
}
