import { join } from 'node:path';
import { openIndex } from '../../blocks/block-index.ts';
import { freeBytes } from '../../host/files/files.ts';
import { imageTarget } from '../../host/images/image-options.ts';
import { mapImage } from '../../host/images/qemu-img.ts';
import { normalise, subtract, totalLength, type Extent } from '../../blocks/extents.ts';
import { allocatedBytes } from '../../repository/stored-files/allocated.ts';
import type { MergeChild } from '../../repository/merge/intent.ts';
import type { Manifest } from '../../schemas/types.ts';
import type { MergeWork } from './merge-work.ts';
import { pathsOf } from './merge-disk.ts';

/** Tables of the image, manifests, the database. */
const slack = 8 * 1024 * 1024;

export interface MergeSpace {
  /** Bytes that the merge takes before it gives any back; a little more than will be used. */
  readonly needed: number;
  readonly free: number;
}

/** What tells where the files are, and how they are read. */
export type SpaceWork = Pick<MergeWork, 'root' | 'vm' | 'keys' | 'signal'>;

/** Null: it fits. */
export async function lackingSpace(work: SpaceWork, child: MergeChild, manifest: Manifest): Promise<MergeSpace | null> {
  const free = await freeBytes(join(work.root, work.vm.context));
  // Sizes are known at once, and nearly always enough.
  const atMost =
    (await sumOf(child, ({ image, run }) => allocatedOf([image, ...run.slice(0, -1)]), work)) +
    (await indexesOf(work, child, manifest));
  if (atMost + slack <= free) return null;
  const space = await spaceOfMerge(work, child, manifest);
  return space.needed <= space.free ? null : space;
}

/** By what the images hold. */
export async function spaceOfMerge(work: SpaceWork, child: MergeChild, manifest: Manifest): Promise<MergeSpace> {
  const free = await freeBytes(join(work.root, work.vm.context));
  const needed =
    slack +
    (await sumOf(child, ({ image, run }, number) => newIn(work, manifest, number, [image, ...run]), work)) +
    (await indexesOf(work, child, manifest));
  return { needed, free };
}

async function sumOf(
  child: MergeChild,
  bytesOf: (paths: ReturnType<typeof pathsOf>, number: number) => Promise<number>,
  work: SpaceWork,
): Promise<number> {
  let sum = 0;
  for (const disk of child.disks) sum += await bytesOf(pathsOf(work, child.backup_id, disk), disk.number);
  return sum;
}

/** A merged index holds no more than all that it was built on. */
async function indexesOf(
  { root, vm, keys, signal }: SpaceWork,
  child: MergeChild,
  { disks }: Manifest,
): Promise<number> {
  let sum = 0;
  for (const { number } of child.disks) {
    const disk = disks.find((entry) => entry.number === number);
    if (!disk) continue;
    await using index = await openIndex(join(root, vm.context, disk.index.path), { key: keys.of(disk), signal });
    if (index.levels.length > 1) sum += await allocatedOf(index.levels.map(({ path }) => path));
  }
  return sum;
}

async function allocatedOf(files: readonly string[]): Promise<number> {
  let sum = 0;
  for (const file of files) sum += await allocatedBytes(file);
  return sum;
}

/** What the files above the last hold and it does not. A cluster without a place is compressed: it is written anew. */
async function newIn(work: SpaceWork, manifest: Manifest, number: number, files: readonly string[]): Promise<number> {
  const disk = manifest.disks.find((entry) => entry.number === number);
  const key = disk ? work.keys.of(disk) : null;
  const held: Extent[][] = [];
  for (const [at, file] of files.entries()) {
    const last = at === files.length - 1;
    const map = await mapImage(await imageTarget(file, { key, alone: true }), work.signal);
    held.push(
      map
        .filter((area) => area.depth === 0 && area.present && area.data && (!last || area.offset !== undefined))
        .map((area) => ({ offset: area.start, length: area.length })),
    );
  }
  const above = normalise(held.slice(0, -1).flat());
  return totalLength(subtract(above, normalise(held.at(-1) ?? [])));
}
