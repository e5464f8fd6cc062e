import { chmod, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { changedBetween } from '../../blocks/changed-between.ts';
import { totalLength, type Extent } from '../../blocks/extents.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFile, fsyncFolder } from '../../host/files/files.ts';
import { layersOf } from '../../host/images/image-layers.ts';
import type { ImageKey } from '../../host/images/image-options.ts';
import { cloneFile, commitDown, prepareCommit, rebaseOnto, repairLeaks } from '../../host/images/qemu-merge.ts';
import { lift } from '../../repository/stored-files/immutable.ts';
import { backingName, imagePath, indexPath } from '../../repository/layout.ts';
import { mergePart, type MergeChild, type MergeDisk } from '../../repository/merge/intent.ts';
import { nameUnder } from '../../repository/vm-lock/fenced.ts';
import type { Manifest } from '../../schemas/types.ts';
import { mergeIndex } from './merge-index.ts';
import type { MergeWork } from './merge-work.ts';
import { proveMerged } from './prove-merged.ts';
import { settleAll } from '../settle-all.ts';

export interface DiskMerge {
  readonly work: MergeWork;
  readonly child: MergeChild;
  readonly disk: MergeDisk;
  /** Of the child, as its manifest has it. */
  readonly stored: Manifest['disks'][number];
  /** Writes down what is about to happen with this disk, before it happens. */
  save(change: Partial<MergeDisk>): Promise<MergeDisk>;
}

export interface MergedDisk {
  readonly after: NonNullable<MergeDisk['after']>;
  /** What was copied, bytes. */
  readonly bytes: number;
}

/** Absolute paths of what a merge deals with. */
interface Paths {
  /** The child's image. */
  readonly image: string;
  readonly part: string;
  /** What is merged with it, newest first. */
  readonly run: readonly string[];
  /** The lowest of them. */
  readonly lowest: string;
}

export function pathsOf(
  { root, vm: { context } }: Pick<MergeWork, 'root' | 'vm'>,
  child: string,
  disk: MergeDisk,
): Paths {
  const run = disk.run.map(({ backup_id: id }) => join(root, imagePath(context, disk.number, id)));
  return {
    image: join(root, imagePath(context, disk.number, child)),
    part: join(root, mergePart(context, disk.number, child)),
    run,
    lowest: run.at(-1) ?? '',
  };
}

/** What has its name once the merge is published. */
export const resultOf = (paths: Paths, { direction }: MergeDisk): string =>
  direction === 'commit' ? paths.lowest : paths.part;

/**
 * Makes the merged image of one disk and proves it; the child's own file is only read. Again is fine.
 * @throws SendenseError `disk.full`, `content.mismatch`, `tool.failed`
 */
export async function mergeDisk(merge: DiskMerge): Promise<MergedDisk> {
  const { work, child, stored } = merge;
  const key = work.keys.of(stored);
  const { disk, held, changed } = await make(merge, key);
  const paths = pathsOf(work, child.backup_id, disk);
  const result = resultOf(paths, disk);
  await chmod(result, 0o400);
  const { backup_id: id } = child;
  const proof = proveMerged({ work, child: id, image: paths.image, disk, stored, result, key, held, changed });
  const [proven, , index] = await settleAll([proof, flush(result), mergeIndex({ ...merge, disk }, key)]);
  return { after: { ...proven.after, ...(index ? { index } : {}) }, bytes: totalLength(proven.held) };
}

async function flush(file: string): Promise<void> {
  await fsyncFile(file);
  await fsyncFolder(dirname(file));
}

interface Made {
  /** As it is written down now: where a file system cannot clone, the direction is another one. */
  readonly disk: MergeDisk;
  /** What was copied; null: what the made file holds. */
  readonly held: readonly Extent[] | null;
  /** Where the child shows something else than the file that was written to; null: perhaps anywhere. */
  readonly changed: readonly Extent[] | null;
}

async function make(merge: DiskMerge, key: ImageKey | null): Promise<Made> {
  const { work, child, disk, stored } = merge;
  const { signal } = work;
  const paths = pathsOf(work, child.backup_id, disk);
  if (disk.direction === 'rebase') {
    if (await cloneFile(paths.image, paths.part)) {
      await chmod(paths.part, 0o600);
      const rebased = rebaseOnto(paths.part, backingName(disk.parent ?? ''), reporting(work, stored));
      const [, changed] = await settleAll([rebased, changedSince(merge, disk, key)]);
      return { disk, held: null, changed };
    }
    return make({ ...merge, disk: await merge.save({ direction: 'commit' }) }, key);
  }
  const layers = await layersOf(paths.image);
  const lowest = layers.find(({ file }) => file === paths.lowest);
  if (!lowest) throw new SendenseError('repository.damaged', `${paths.image} is not built on ${paths.lowest}`);
  // qemu-img is started through this name, which whoever takes the VM over has removed.
  const gate = (await nameUnder(work.hold, paths.lowest)) ?? undefined;
  const way = { layers, gate, into: paths.lowest, temporary: paths.part, capacity: stored.capacity_bytes, key };
  const opened = key ? [paths.image, ...paths.run] : [paths.lowest];
  const [begun] = await settleAll([disk.begun ? disk : merge.save({ begun: true }), prepareCommit(way, signal)]);
  await lift(opened, signal);
  for (const file of opened) await chmod(file, 0o600);
  if (disk.begun) await repairLeaks(lowest, key, signal, gate);
  // What is above is only read: it can be looked at meanwhile.
  const above = work.held.of([paths.image, ...paths.run.slice(0, -1)], key);
  const committed = commitDown({ ...way, ...reporting(work, stored) });
  const [, held, changed] = await settleAll([committed, above, changedSince(merge, begun, key)]).finally(
    () => gate && rm(gate, { force: true }),
  );
  return { disk: begun, held, changed };
}

/** By the block indexes of the child and of what it goes into, or is put onto. */
async function changedSince(
  { work: { root, vm, signal }, stored }: DiskMerge,
  disk: MergeDisk,
  key: ImageKey | null,
): Promise<readonly Extent[] | null> {
  const below = disk.direction === 'commit' ? disk.run.at(-1)?.backup_id : disk.parent;
  if (disk.whole || below == null) return null;
  const older = join(root, indexPath(vm.context, disk.number, below));
  try {
    return await changedBetween(older, join(root, vm.context, stored.index.path), signal, key);
  } catch (error) {
    signal?.throwIfAborted();
    // Then all of it is read back. The child's own index is what that is compared with.
    if (error instanceof SendenseError && ['repository.damaged', 'file.unreadable'].includes(error.code)) return null;
    throw error;
  }
}

/** Copying is the first half of a disk, reading back the second. */
function reporting(
  { signal, progress }: MergeWork,
  { capacity_bytes: capacity }: DiskMerge['stored'],
): { signal: AbortSignal | undefined; onProgress(fraction: number): void } {
  return { signal, onProgress: (fraction) => progress(Math.round(fraction * capacity), 2 * capacity) };
}
