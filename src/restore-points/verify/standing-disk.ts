import { join } from 'node:path';
import { readIntent, type MergeChild } from '../../repository/merge/intent.ts';
import { asItStands } from '../../repository/merge/merge-files.ts';
import { readManifest } from '../../repository/manifest.ts';
import { manifestPath } from '../../repository/layout.ts';
import type { Manifest } from '../../schemas/types.ts';
import type { DiskToExamine } from './disk-work.ts';
import { examineDisk, type DiskVerdict } from './examine-disk.ts';

/** More often than a merge changes the files of one restore point. */
const mostTries = 5;

/** What a removal under way merges into this restore point; null: none does. @throws SendenseError `repository.damaged` */
export const mergeInto = async (root: string, context: string, backupId: string): Promise<MergeChild | null> =>
  (await readIntent(root, context, backupId))?.child ?? null;

/**
 * One disk of a restore point as its files are at this moment, also in the middle of a merge: a file that gets its new name
 * while it is read is judged again. The caller has said that it uses the point.
 */
export async function examineStanding(
  manifest: Manifest,
  number: number,
  work: Omit<DiskToExamine, 'context' | 'disk'>,
): Promise<DiskVerdict> {
  const { root } = work;
  const { context } = manifest.vm;
  let disk = await diskNow(root, manifest, number);
  for (let tries = 1; ; tries++) {
    const verdict = await examineDisk({ ...work, context, disk });
    if (verdict.problem === null || tries === mostTries) return verdict;
    const path = join(root, manifestPath(context, manifest.backup_id));
    const now = await diskNow(root, await readManifest(path).catch(() => manifest), number);
    if (JSON.stringify(now) === JSON.stringify(disk)) return verdict;
    disk = now;
  }
}

async function diskNow(root: string, manifest: Manifest, number: number): Promise<Manifest['disks'][number]> {
  const child = await mergeInto(root, manifest.vm.context, manifest.backup_id);
  const { disks } = child ? await asItStands(root, manifest, child) : manifest;
  const disk = disks.find((entry) => entry.number === number);
  if (!disk) throw new RangeError(`${manifest.backup_id} has no disk-${number}`);
  return disk;
}
