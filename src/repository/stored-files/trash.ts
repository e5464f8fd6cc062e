import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fsyncFolder, removeTree } from '../../host/files/files.ts';
import { trashFolder } from '../layout.ts';
import { assertOwnFolder } from '../own-folder.ts';
import { removeFile, renameFile } from '../vm-lock/fenced.ts';
import type { VmHold } from '../vm-lock/vm-hold.ts';
import { allocatedIn } from './allocated.ts';
import { lift } from './immutable.ts';

/** How long what was put aside stays, in days. */
export const trashDays = 7;

/** `20261121T013000Z` */
export const trashName = (now: number): string =>
  new Date(now)
    .toISOString()
    .replace(/[-:]/g, '')
    .replace(/\.[0-9]+/, '');

/**
 * Puts a file aside, under its own path in the folder `name` of the trash.
 * @param path relative to the repository
 * @param hold the lock of the VM whose file it is; null: of none
 */
export async function moveToTrash(root: string, name: string, path: string, hold: VmHold | null): Promise<void> {
  const from = join(root, path);
  const to = join(root, trashFolder, name, path);
  await assertOwnFolder(root, dirname(join(trashFolder, name, path)));
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await lift([from]);
  if (hold) await renameFile(hold, from, to);
  else await rename(from, to);
  await fsyncFolder(dirname(to));
  await fsyncFolder(dirname(from));
}

/** Removes a file for good. @param path, @param hold as of {@link moveToTrash} */
export async function removeForGood(root: string, path: string, hold: VmHold | null): Promise<void> {
  const file = join(root, path);
  await lift([file]);
  if (hold) await removeFile(hold, file);
  else await rm(file, { force: true });
  await fsyncFolder(dirname(file));
}

/** Removes folders that are empty, from `folder` upwards to the repository's own. @param folder relative to the repository */
export async function removeEmptyFolders(root: string, folder: string): Promise<void> {
  for (let path = folder; path !== '.' && path !== '/'; path = dirname(path)) {
    try {
      await rmdir(join(root, path));
    } catch (error) {
      if (['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
      throw error;
    }
  }
}

/** Folders of the trash that are older than {@link trashDays}, and what they take. */
export async function expiredTrash(root: string, now: number): Promise<{ name: string; bytes: number }[]> {
  const folder = join(root, trashFolder);
  await assertOwnFolder(root, trashFolder);
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  // Only folders are ours.
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const before = trashName(now - trashDays * 86_400_000);
  const expired = names.filter((name) => /^[0-9]{8}T[0-9]{6}Z$/.test(name) && name < before).toSorted();
  return Promise.all(expired.map(async (name) => ({ name, bytes: (await allocatedIn(join(folder, name))).total })));
}

/** Removes one folder of the trash for good. */
export const emptyTrash = (root: string, name: string): Promise<void> => removeTree(join(root, trashFolder, name));
