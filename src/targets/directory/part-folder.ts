import { rm, rmdir } from 'node:fs/promises';
import { basename } from 'node:path';
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
