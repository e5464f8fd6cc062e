import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { toSendenseError } from '../../errors/sendense-error.ts';
import type { Allocation } from '../../host/images/qemu-img.ts';
import { indexPath, manifestPath } from '../layout.ts';
import { marksPath } from '../marks.ts';
import type { PlannedPoint } from './plan-removal.ts';

/** A restore point and its files; paths are relative to its VM's folder. */
export interface StoredPoint {
  readonly backup_id: string;
  readonly disks: readonly { readonly number: number; readonly parent: string | null; readonly path: string }[];
  readonly vm_config?: { readonly path: string } | null | undefined;
}

/** How much something would free, in bytes: the same twice where it can be told. */
export interface FreedBytes {
  readonly at_least: number;
  readonly at_most: number;
}

/** What a file takes on the disk, in bytes: not its length, for files have holes. 0: it is not there. */
async function allocatedBytes(path: string): Promise<number> {
  try {
    return (await lstat(path)).blocks * 512;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

/**
 * What a restore point takes on the disk by itself, in bytes: its images, block indexes, manifest, marks and VM
 * configuration. What it shares with the points below it is theirs.
 * @param folder absolute path of the VM's folder
 */
export async function heldBytes(folder: string, point: StoredPoint): Promise<number> {
  const sizes = await Promise.all(filesOf(point).map((file) => allocatedBytes(join(folder, file))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const filesOf = ({ backup_id: id, disks, vm_config: config }: StoredPoint): string[] => [
  manifestPath('', id),
  marksPath('', id),
  ...(config ? [config.path] : []),
  ...disks.flatMap(({ number, path }) => [path, indexPath('', number, id)]),
];

/**
 * What removing the points that go would free: what they hold, less what is moved into the points that they are merged
 * into. What moves is read from the images (`map`, as `qemu-img map`); where that cannot be done, and where images are
 * compressed and so take less than the map says, the answer is a range.
 * @param held bytes by backup id
 */
export async function freedBytes<P extends StoredPoint>(
  points: readonly P[],
  planned: readonly PlannedPoint[],
  held: ReadonlyMap<string, number>,
  { map, compressed }: { map(point: P, number: number): Promise<readonly Allocation[]>; readonly compressed: boolean },
): Promise<FreedBytes> {
  const gone = new Set(planned.filter(({ keep }) => !keep).map(({ id }) => id));
  const byId = new Map(points.map((point) => [point.backup_id, point]));
  const atMost = [...gone].reduce((sum, id) => sum + (held.get(id) ?? 0), 0);
  let moved = 0;
  for (const [heir, disks] of heirsOf(planned)) {
    const point = byId.get(heir);
    for (const number of point ? disks : []) {
      const levels = droppedBelow(byId, gone, heir, number);
      const areas = point && (await map(point, number).catch((error: unknown) => asUnknown(error)));
      if (!areas) return { at_least: 0, at_most: atMost };
      for (const { depth, data, length } of areas) if (data && depth >= 1 && depth <= levels) moved += length;
    }
  }
  const least = Math.max(0, atMost - moved);
  return { at_least: least, at_most: compressed && moved > 0 ? atMost : least };
}

/** An image that cannot be mapped makes the answer less exact and is no reason to give none; being told to stop is. */
function asUnknown(error: unknown): undefined {
  if (toSendenseError(error).code === 'run.cancelled') throw error;
  return undefined;
}

/** The points that others are merged into, with the numbers of the disks. */
function heirsOf(planned: readonly PlannedPoint[]): Map<string, Set<number>> {
  const heirs = new Map<string, Set<number>>();
  for (const { disk, into } of planned.flatMap(({ merges }) => merges)) {
    const disks = heirs.get(into);
    if (disks) disks.add(disk);
    else heirs.set(into, new Set([disk]));
  }
  return heirs;
}

/** How many files right below a disk of a point go. */
function droppedBelow(
  byId: ReadonlyMap<string, StoredPoint>,
  gone: ReadonlySet<string>,
  id: string,
  number: number,
): number {
  const parentOf = (point: string): string | null =>
    byId.get(point)?.disks.find((disk) => disk.number === number)?.parent ?? null;
  let count = 0;
  for (let at = parentOf(id); at !== null && gone.has(at) && count < gone.size; at = parentOf(at)) count++;
  return count;
}
