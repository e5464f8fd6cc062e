import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { exists, removeTree } from '../files/files.ts';
import { holdFolder, isHeld } from '../files/held-folder.ts';
import { isPrivate, makePlaceFor, placeFor, privatePlaces } from './private-places.ts';
import { identityOf, pidNamespace } from './process-identity.ts';
import { stopServersIn } from './stop-servers-in.ts';

/**
 * The folder for sockets and pid files of one run or job. It is short, because a Unix socket's path holds 107 bytes, and
 * recovery finds it by the id alone (`private-places.ts`). Not made here: before it is made, it may yet be made in another place.
 */
export const runFolderOf = (id: string): string => join(placeFor(tmpdir(), id), id);

/** Folders of this user alone in which there are run folders. */
export const runFolderParents = (): string[] => privatePlaces(tmpdir());

/**
 * Makes the folder, readable for this user only; one that is there is fine.
 * @throws SendenseError `state.unusable` where nothing can be made that is this user's alone
 */
export async function makeRunFolder(id: string): Promise<string> {
  for (;;) {
    const folder = join(makePlaceFor(tmpdir(), id), id);
    // Another run that ends may remove the parent at any moment, as long as it is empty.
    const made = await mkdir(folder, { mode: 0o700 }).then(() => true, unless('EEXIST', 'ENOENT'));
    if (made || (await exists(folder))) {
      if (ownerIn(id)?.isUs) await hold(folder);
      return folder;
    }
  }
}

/** Folders that this process holds. */
const held = new Map<string, Promise<AsyncDisposable>>();

async function hold(folder: string): Promise<void> {
  const holding = held.get(folder) ?? holdFolder(folder);
  held.set(folder, holding);
  await holding.catch((error: unknown) => {
    held.delete(folder);
    throw error;
  });
}

/**
 * An id for the folder of work that no journal knows, which tells whose it is: `<what>-<pid>.<pid namespace>-<more>`. It is held
 * (`held-folder.ts`) from when it is made until it is removed.
 */
export const ownFolderId = (what: 'check' | 'dry' | 'files' | 'hub' | 'merge' | 'rescue'): string =>
  `${what}-${process.pid}.${pidNamespace()}-${randomBytes(4).toString('hex')}`;

const ownId = /^(?:check|dry|files|hub|merge|rescue)-([0-9]+)(?:\.([0-9]+))?-/;

/** Null: the id tells nothing of a process. Ids of earlier versions have no namespace. */
function ownerIn(id: string): { readonly pid: number; readonly isHere: boolean; readonly isUs: boolean } | null {
  const [, pid, namespace] = ownId.exec(id) ?? [];
  if (pid === undefined) return null;
  const isHere = namespace === undefined || namespace === pidNamespace();
  return { pid: Number(pid), isHere, isUs: isHere && Number(pid) === process.pid };
}

/** Removes the folder, and its parent where that was the last one. */
export async function removeRunFolder(id: string): Promise<void> {
  const folder = runFolderOf(id);
  await (await held.get(folder))?.[Symbol.asyncDispose]();
  held.delete(folder);
  await removeFolder(folder);
}

/** In a folder that is not ours alone, the path may lead anywhere. */
async function removeFolder(folder: string): Promise<void> {
  if (!isPrivate(dirname(folder))) return;
  await removeTree(folder);
  await rmdir(dirname(folder)).catch(unless('ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EACCES', 'EPERM'));
}

const unless =
  (...codes: string[]) =>
  (error: NodeJS.ErrnoException): undefined => {
    if (!codes.includes(error.code ?? '')) throw error;
  };

/**
 * What a run that died left of its folder: stops the servers whose pid files are in it, then removes it.
 * @param folder as {@link runFolderOf} said before it was made; it may have been made in another place
 */
export async function clearRunFolder(folder: string, signal?: AbortSignal): Promise<void> {
  const others = privatePlaces(dirname(dirname(folder))).map((place) => join(place, basename(folder)));
  for (const path of new Set([folder, ...others])) {
    await stopServersIn(path, { signal });
    await removeFolder(path);
  }
}

/** A folder is held a moment after it was made, ms. */
const isOldMs = 60_000;

/**
 * Clears the folders of work that no journal knows (a check, a dry-run, an embedded node) and whose process died. A process of another
 * pid namespace that shares the temporary folder, as in a container, cannot be looked for: its folder is left alone as long as it is held.
 * Those of rescues stay: what they wrote has to be taken back first.
 */
export async function sweepRunFolders(signal?: AbortSignal): Promise<void> {
  for (const folder of await deadFolders()) if (!isOfRescue(folder)) await clearRunFolder(folder, signal);
}

/** Ids of the folders of rescues whose process died; of this user alone, so that what is in them can be relied on. */
export const deadRescueFolders = async (): Promise<string[]> =>
  (await deadFolders()).filter(isOfRescue).map((folder) => basename(folder));

const isOfRescue = (folder: string): boolean => basename(folder).startsWith('rescue-');

async function deadFolders(): Promise<string[]> {
  const dead: string[] = [];
  for (const parent of runFolderParents())
    for (const name of await readdir(parent).catch(() => [])) {
      const owner = ownerIn(name);
      const folder = join(parent, name);
      if (!owner || !isPrivate(folder)) continue;
      if (owner.isHere ? identityOf(owner.pid) === null : await isLeft(folder)) dead.push(folder);
    }
  return dead;
}

async function isLeft(folder: string): Promise<boolean> {
  const info = await lstat(folder).catch(unless('ENOENT'));
  return info !== undefined && Date.now() - info.mtimeMs > isOldMs && !(await isHeld(folder));
}
