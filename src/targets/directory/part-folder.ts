import { rm, rmdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { isNamed } from '../../host/files/files.ts';
import { makePrivateFolder, openPrivateFolder, type PinnedFolder } from '../../host/files/pinned-folder.ts';

/**
 * Makes the folder in which a restore writes its files until they are proven. What an earlier attempt of the same run has left goes first.
 * @param around the folder that it is made in
 * @param folder its absolute path; bears the run's id
 * @param names of the files in it
 * @throws SendenseError `file.exists` where somebody else has taken the name
 */
export async function beginParts(
  around: PinnedFolder,
  folder: string,
  names: readonly string[],
): Promise<PinnedFolder> {
  const path = `${around.path}/${basename(folder)}`;
  await removeParts(path, names);
  return makePrivateFolder(path, folder);
}

/** Opens it again. @throws SendenseError `file.unreadable` where it is gone, or where it is another's */
export async function openParts(folder: string): Promise<PinnedFolder> {
  const parts = await findParts(folder);
  if (parts !== null) return parts;
  throw new SendenseError('file.unreadable', `${folder}, where the disks were written, is not there any more`, {
    remedy: 'Find out who removes files from that folder, and restore again.',
  });
}

/** As {@link openParts}; null: there is none any more. */
export async function findParts(folder: string): Promise<PinnedFolder | null> {
  const parts = await openPrivateFolder(folder);
  if (parts !== null || !(await isNamed(folder))) return parts;
  throw new SendenseError('file.unreadable', `somebody else has put something in the place of ${folder}`, {
    remedy: 'Restore to a folder where only you can write.',
  });
}

/** Removes these files and their folder. If the name leads to something of another user now, it is left alone. */
export async function removeParts(folder: string, names: readonly string[]): Promise<void> {
  const parts = await openPrivateFolder(folder);
  if (parts === null) return;
  await using held = parts;
  for (const name of names) await rm(`${held.path}/${name}`, { force: true });
  await removeEmpty(folder);
}

/** Removes the folder if nothing is in it. */
export const removeEmpty = (folder: string): Promise<void> =>
  rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (!['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(error.code ?? '')) throw error;
  });
