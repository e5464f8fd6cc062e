import { rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fsyncFolder } from '../../host/files/files.ts';
import { pinFolder } from '../../host/files/pinned-folder.ts';
import type { AttachedMark } from '../../schemas/types.ts';
import { markFile, nextMark, readMark, readMarkFile } from './attached-mark.ts';

/**
 * Beside the folder of disks that are being removed: at each moment a mark says what is left, until nothing is. A removal that breaks off
 * is found by it, and gone on with.
 */
const leavingEnd = '.leaving.json';

const leavingOf = (folder: string): string => `${folder}${leavingEnd}`;

/** Of which folder that file is the mark; null: of none. */
export const folderOfLeaving = (file: string): string | null =>
  file.endsWith(leavingEnd) ? file.slice(0, -leavingEnd.length) : null;

/** The mark of the disks of a folder; null: there is none that can be read. */
export const markAt = async (folder: string): Promise<AttachedMark | null> =>
  (await readMark(folder)) ?? (await readMarkFile(leavingOf(folder)));

/**
 * Removes disks that no VM has, their folder, and last what is known of them. What somebody else has put into the folder stays. May be
 * called again, and by several at once.
 * @param names of their files
 */
export async function removeWithMark(folder: string, names: readonly string[]): Promise<void> {
  const leaving = leavingOf(folder);
  const held = await pinFolder(folder).catch(ifGone);
  if (held) {
    await using pinned = held;
    await rename(join(pinned.path, markFile), leaving).catch(ifGone);
    await fsyncFolder(dirname(folder));
    for (const name of [...names, nextMark]) await rm(join(pinned.path, name), { force: true });
    await rmdir(folder).catch(ifNotEmpty);
    await fsyncFolder(dirname(folder));
  }
  await rm(leaving, { force: true });
}

const ifGone = (error: NodeJS.ErrnoException): null => {
  if (['ENOENT', 'ENOTDIR'].includes(error.code ?? '')) return null;
  throw error;
};
const ifNotEmpty = (error: NodeJS.ErrnoException): void => {
  if (!['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(error.code ?? '')) throw error;
};
