import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists, removeTree } from '../files/files.ts';
import { holdFolder, isHeld } from '../files/held-folder.ts';
import { identityOf, pidNamespace } from './process-identity.ts';
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
    if ((await isPrivate(parent)) === false) {
      throw new SendenseError('state.unusable', `${parent} is not a directory of this user alone`, {
        remedy: `Find out who made ${parent}, and remove it.`,
      });
    }
    // Another run that ends may remove the parent at any moment, as long as it is empty.
    const made = await mkdir(folder, { mode: 0o700 }).then(() => true, unless('EEXIST', 'ENOENT'));
    if (made || (await exists(folder))) {
      if (ownerIn(id)?.isUs) await hold(folder);
      return folder;
    }
  }
}

/** Whether it is a directory of this user alone; null: there is none. What is in one that is not, another user could have put there. */
async function isPrivate(folder: string): Promise<boolean | null> {
  const info = await lstat(folder).catch(unless('ENOENT'));
  return info ? info.isDirectory() && info.uid === process.getuid?.() && (info.mode & 0o077) === 0 : null;
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
export const ownFolderId = (what: 'check' | 'dry' | 'hub' | 'merge' | 'rescue'): string =>
  `${what}-${process.pid}.${pidNamespace()}-${randomBytes(4).toString('hex')}`;

const ownId = /^(?:check|dry|hub|merge|rescue)-([0-9]+)(?:\.([0-9]+))?-/;

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

/** A folder is held a moment after it was made, ms. */
const isOldMs = 60_000;

/**
 * Clears the folders of work that no journal knows (a check, a dry-run, an embedded node) and whose process died. A process of another
 * pid namespace that shares the temporary folder, as in a container, cannot be looked for: its folder is left alone as long as it is held.
 * Those of rescues stay: what they wrote has to be taken back first.
 */
export async function sweepRunFolders(signal?: AbortSignal): Promise<void> {
  for (const id of await deadFolders()) if (!id.startsWith('rescue-')) await clearRunFolder(runFolderOf(id), signal);
}

/** Ids of the folders of rescues whose process died; of this user alone, so that what is in them can be relied on. */
export const deadRescueFolders = async (): Promise<string[]> =>
  (await deadFolders()).filter((id) => id.startsWith('rescue-'));

async function deadFolders(): Promise<string[]> {
  const parent = dirname(runFolderOf('any'));
  if ((await isPrivate(parent)) !== true) return [];
  const dead: string[] = [];
  for (const name of await readdir(parent).catch(() => [])) {
    const owner = ownerIn(name);
    const folder = join(parent, name);
    if (!owner || !(await isPrivate(folder))) continue;
    if (owner.isHere ? identityOf(owner.pid) === null : await isLeft(folder)) dead.push(name);
  }
  return dead;
}

async function isLeft(folder: string): Promise<boolean> {
  const info = await lstat(folder).catch(unless('ENOENT'));
  return info !== undefined && Date.now() - info.mtimeMs > isOldMs && !(await isHeld(folder));
}
