import { join } from 'node:path';
import { envelopeDigest } from '../../repository/envelope.ts';
import { readMarks } from '../../repository/marks.ts';
import type { Manifest } from '../../schemas/types.ts';
import { examineDisk } from '../verify/examine-disk.ts';
import type { MergeWork } from './merge-work.ts';

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
    const broken = (await readMarks(work.root, work.vm.context, backupId).catch(() => null))?.broken;
    if (broken && (broken.disks.length === 0 || broken.disks.includes(number)))
      return { backupId, what: broken.reason, known: true };
  }
  for (const [at, manifest] of chain.entries()) {
    const what = at === 0 ? await childFault(work, number, manifest) : await fileFault(work, number, manifest);
    if (what !== null) return { backupId: manifest.backup_id, what, known: false };
  }
  return null;
}

async function childFault(work: MergeWork, number: number, manifest: Manifest): Promise<string | null> {
  const { root, vm, keys, folderId, signal } = work;
  const disk = manifest.disks.find((entry) => entry.number === number);
  if (!disk) return 'is not there';
  const { problem } = await examineDisk({
    root,
    context: vm.context,
    disk,
    content: 'stored',
    keys,
    folderId,
    background: true,
    signal,
  });
  return problem && problem.message;
}

/** Restore points of earlier versions have no digest of what is around the guest's blocks. */
async function fileFault({ root, vm, signal }: MergeWork, number: number, manifest: Manifest): Promise<string | null> {
  const disk = manifest.disks.find((entry) => entry.number === number);
  if (disk?.envelope === undefined) return null;
  try {
    const found = await envelopeDigest(join(root, vm.context, disk.path), { signal });
    return found === disk.envelope ? null : 'is not as it was committed, outside of the blocks of the guest';
  } catch (error) {
    signal?.throwIfAborted();
    return `cannot be read: ${(error as Error).message}`;
  }
}
