import { noKeys } from '../../repository/image-keys.ts';
import type { Manifest } from '../../schemas/types.ts';
import { examineDisk } from '../../restore-points/verify/examine-disk.ts';
import { remedies, report, type Walk } from './check-walk.ts';

/** One disk of one restore point whose parent is sound: files, structure and, where asked for, content. True: it is sound. */
export async function checkDisk(
  walk: Walk,
  context: string,
  { backup_id: id }: Manifest,
  disk: Manifest['disks'][number],
  merging = false,
): Promise<boolean> {
  const { root, deep, keys = noKeys, signal } = walk.options;
  // As `verify` reads it: each byte of its own file, because its parent was proven before. Versions before the envelope digest left nothing
  // to prove the tables by, so that the guest's view is compared. Of one that is being merged everything: what it is built on is removed,
  // and was not looked at.
  const content = !deep ? 'none' : merging ? 'whole' : disk.envelope === undefined ? 'written' : 'stored';
  if (disk.encryption && !keys.has(disk.encryption.key_id)) {
    const message = `is encrypted with key ${disk.encryption.key_id}, which is not set: nothing in it was checked`;
    report(walk, 'warning', 'key.missing', id, `${context}/${disk.path}`, message, remedies.key);
    return true;
  }
  const verdict = await examineDisk({
    root,
    context,
    disk,
    content,
    keys,
    lookedAt: walk.lookedAt,
    folderId: walk.id,
    signal,
  });
  walk.bytesRead += verdict.bytesRead;
  const { problem } = verdict;
  if (problem) report(walk, 'error', problem.code, id, problem.path, problem.message, remedies.chain);
  else if (verdict.touched && !deep)
    report(
      walk,
      'warning',
      'file.changed',
      id,
      `${context}/${disk.path}`,
      'has another modification time than at the commit',
      remedies.time,
    );
  return problem === null;
}
