import { join } from 'node:path';
import type { GuestBlocks } from '../../blocks/guest-blocks.ts';
import { readQcow2Header } from '../../host/images/qcow2-header.ts';
import { digestOfEnvelope, guestBlocksIn, provenBlocks } from '../../repository/envelope.ts';
import { foreignImage } from '../../repository/own-image.ts';
import { strayFolder } from '../../repository/stray-folder.ts';
import { currentMarks } from '../../repository/marks-of-vm.ts';
import type { Manifest } from '../../schemas/types.ts';
import { compareFile } from '../verify/compare-file.ts';
import { headerDiffers, imageStructure } from '../verify/image-structure.ts';
import type { MergeWork } from './merge-work.ts';
import { settleAll } from '../settle-all.ts';

type Disk = Manifest['disks'][number];

/** What speaks against merging a disk. */
export interface Damage {
  /** Whose file it is. */
  readonly backupId: string;
  readonly what: string;
  /** It was found before, and is marked. */
  readonly known: boolean;
}

/**
 * Looks at the files of one disk that a merge would make one of: each byte of the child's own, and of those that go all but
 * what the guest wrote. A merge seals what it has made anew: damage that it took in could not be told from the truth later.
 * @param chain the child's manifest, and those of what goes, newest first
 * @returns null: nothing speaks against it
 */
export async function damageIn(work: MergeWork, number: number, chain: readonly Manifest[]): Promise<Damage | null> {
  for (const { backup_id: backupId } of chain) {
    const broken = (await currentMarks(work.root, work.vm.context, backupId).catch(() => null))?.broken;
    if (broken && (broken.disks.length === 0 || broken.disks.includes(number)))
      return { backupId, what: broken.reason, known: true };
  }
  // Before a program opens whatever one of them names.
  for (const { backup_id: backupId, disks } of chain) {
    const own = disks.find((entry) => entry.number === number);
    const file = join(work.root, work.vm.context, own?.path ?? '');
    const what = own
      ? (strayFolder(work.root, join(work.vm.context, own.path)) ??
        (await foreignImage(file, own.parent).catch((error: Error) => `cannot be read: ${error.message}`)))
      : null;
    if (what !== null) return { backupId, what, known: false };
  }
  const [child, ...below] = chain;
  if (!child) return null;
  const disk = child.disks.find((entry) => entry.number === number);
  if (!disk) return { backupId: child.backup_id, what: 'is not there', known: false };
  const blocks = ownBlocks(work, disk, () => work.threads.expect(disk.file_bytes));
  // Threads hash the one: time to look at the others.
  const lower = blocks.catch(() => null).then(() => firstFault(work, number, below));
  const [own, others] = await settleAll([childFault(work, disk, blocks), lower]);
  return own === null ? others : { backupId: child.backup_id, what: own, known: false };
}

async function firstFault(work: MergeWork, number: number, manifests: readonly Manifest[]): Promise<Damage | null> {
  for (const manifest of manifests) {
    const what = await fileFault(work, number, manifest);
    if (what !== null) return { backupId: manifest.backup_id, what, known: false };
  }
  return null;
}

async function childFault(work: MergeWork, disk: Disk, mapping: Promise<OwnBlocks>): Promise<string | null> {
  const { root, vm, keys, folderId, signal, threads, held } = work;
  const examined = { root, context: vm.context, disk, content: 'stored', keys, folderId, signal } as const;
  // Restore points of earlier versions have no digest of their structure: it is looked at instead.
  const structure =
    disk.envelope === undefined ? (await imageStructure(examined)).fault : await headerFault(work, disk);
  if (structure !== null) return structure;
  try {
    const { blocks, proven } = await mapping;
    const known = { blocks, proven: proven ? blocks : null };
    const { problem } = await threads.use((pool) => compareFile({ ...examined, pool, ...known }));
    if (!problem) held.proven(join(root, vm.context, disk.path), blocks);
    return problem && problem.message;
  } catch (error) {
    signal?.throwIfAborted();
    return `cannot be compared: ${(error as Error).message}`;
  }
}

/** What is around the guest's blocks is proven by its digest: only whether it is what the manifest means is left to ask. */
async function headerFault({ root, vm, keys, signal }: MergeWork, disk: Disk): Promise<string | null> {
  const key = keys.of(disk);
  try {
    const header = await readQcow2Header(join(root, vm.context, disk.path));
    return header ? headerDiffers(header, disk, key) : 'is no qcow2 file';
  } catch (error) {
    signal?.throwIfAborted();
    return `cannot be read: ${(error as Error).message}`;
  }
}

interface OwnBlocks {
  readonly blocks: GuestBlocks;
  /** All else of the file is as it was committed. */
  readonly proven: boolean;
}

/**
 * What the file holds of the guest's disk, which is kept for the merge: by its tables, where these are as they were committed, else by a
 * program. One that is encrypted holds no block as the guest has it.
 */
async function ownBlocks(
  { root, vm, held, signal }: MergeWork,
  disk: Disk,
  meanwhile?: () => void,
): Promise<OwnBlocks> {
  const file = join(root, vm.context, disk.path);
  const header = await readQcow2Header(file);
  if (!header) throw new Error('it is no qcow2 file');
  if (header.encrypted) return { blocks: guestBlocksIn([], header), proven: false };
  const { envelope } = disk;
  if (envelope !== undefined) {
    meanwhile?.();
    const blocks = await held.tell(file, () => provenBlocks(file, envelope, signal));
    if (blocks) return { blocks, proven: true };
  }
  return { blocks: guestBlocksIn(await held.map(file, null, meanwhile), header), proven: false };
}

/** Restore points of earlier versions have no digest of what is around the guest's blocks. */
async function fileFault(work: MergeWork, number: number, manifest: Manifest): Promise<string | null> {
  const { root, vm, signal } = work;
  const disk = manifest.disks.find((entry) => entry.number === number);
  if (disk?.envelope === undefined) return null;
  try {
    const file = join(root, vm.context, disk.path);
    const { blocks, proven } = await ownBlocks(work, disk);
    if (proven) return null;
    const found = await digestOfEnvelope(file, blocks, { signal });
    return found === disk.envelope ? null : 'is not as it was committed, outside of the blocks of the guest';
  } catch (error) {
    signal?.throwIfAborted();
    return `cannot be read: ${(error as Error).message}`;
  }
}
