import { lstat, mkdir, readdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { exists, removeTree } from './files.ts';
import { identityOf } from './process-identity.ts';
import { stopServersIn } from './stop-servers-in.ts';

/**
 * The folder for sockets and pid files of one run or job. It is short, because a Unix socket's path holds 107 bytes, and
 * follows from the id alone, so that recovery finds it. Not made here.
 */
export function runFolderOf(id: string): string {
  return join(tmpdir(), `sendense-${process.getuid?.() ?? 0}`, id);
}

/**
 * Makes the folder, readable for this user only; one that is there is fine.
 * @throws SendenseError `state.unusable` for a parent that is not this user's alone: another user could have put it there
 */
export async function makeRunFolder(id: string): Promise<string> {
  const folder = runFolderOf(id);
  const parent = dirname(folder);
  for (;;) {
    await mkdir(parent, { mode: 0o700 }).catch(unless('EEXIST'));
    const info = await lstat(parent).catch(unless('ENOENT'));
    if (info && (!info.isDirectory() || info.uid !== process.getuid?.() || (info.mode & 0o077) !== 0)) {
      throw new SendenseError('state.unusable', `${parent} is not a directory of this user alone`, {
        remedy: `Find out who made ${parent}, and remove it.`,
      });
    }
    // Another run that ends may remove the parent at any moment, as long as it is empty.
    const made = await mkdir(folder, { mode: 0o700 }).then(() => true, unless('EEXIST', 'ENOENT'));
    if (made || (await exists(folder))) return folder;
  }
}

/** Removes the folder, and its parent where that was the last one. */
export const removeRunFolder = (id: string): Promise<void> => removeFolder(runFolderOf(id));

async function removeFolder(folder: string): Promise<void> {
  await removeTree(folder);
  await rmdir(dirname(folder)).catch(unless('ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EACCES', 'EPERM'));
}

const unless =
  (...codes: string[]) =>
  (error: NodeJS.ErrnoException): undefined => {
    if (!codes.includes(error.code ?? '')) throw error;
  };

/** What a run that died left of its folder: stops the servers whose pid files are in it, then removes it. */
export async function clearRunFolder(folder: string, signal?: AbortSignal): Promise<void> {
  await stopServersIn(folder, { signal });
  await removeFolder(folder);
}

/**
 * Clears the folders of work that no journal knows (a check, a dry-run, an embedded node) and whose process died. Their
 * ids are `<what>-<pid>-<more>`.
 */
export async function sweepRunFolders(signal?: AbortSignal): Promise<void> {
  const parent = dirname(runFolderOf('any'));
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const pid = Number(/^(?:check|dry|hub|merge)-([0-9]+)-/.exec(name)?.[1] ?? 0);
    if (pid > 0 && identityOf(pid) === null) await clearRunFolder(join(parent, name), signal);
  }
}
