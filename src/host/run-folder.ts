import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { identityOf } from './process-identity.ts';
import { stopServersIn } from './stop-servers-in.ts';

/**
 * The folder for sockets and pid files of one run or job. It is short, because a Unix socket's path holds 107 bytes, and
 * follows from the id alone, so that recovery finds it. Not made here.
 */
export function runFolderOf(id: string): string {
  return join(tmpdir(), `sendense-${process.getuid?.() ?? 0}`, id);
}

/** Makes the folder, readable for this user only. Refuses a parent that another user put there. */
export async function makeRunFolder(id: string): Promise<string> {
  const folder = runFolderOf(id);
  const parent = join(folder, '..');
  await mkdir(parent, { mode: 0o700, recursive: true });
  const info = await lstat(parent);
  if (!info.isDirectory() || info.uid !== process.getuid?.() || (info.mode & 0o077) !== 0) {
    throw new SendenseError('state.unusable', `${parent} is not a directory of this user alone; remove it`);
  }
  await mkdir(folder, { mode: 0o700, recursive: true });
  return folder;
}

export async function removeRunFolder(id: string): Promise<void> {
  await rm(runFolderOf(id), { recursive: true, force: true });
}

/** What a run that died left of its folder: stops the servers whose pid files are in it, then removes it. */
export async function clearRunFolder(folder: string, signal?: AbortSignal): Promise<void> {
  await stopServersIn(folder, { signal });
  await rm(folder, { recursive: true, force: true });
}

/**
 * Clears the folders of work that no journal knows (a check, a dry-run, an embedded node) and whose process died. Their
 * ids are `<what>-<pid>-<more>`.
 */
export async function sweepRunFolders(signal?: AbortSignal): Promise<void> {
  const parent = join(runFolderOf('x'), '..');
  const names = await readdir(parent).catch(() => []);
  for (const name of names) {
    const pid = Number(/^(?:check|dry|hub)-([0-9]+)-/.exec(name)?.[1] ?? 0);
    if (pid > 0 && identityOf(pid) === null) await clearRunFolder(join(parent, name), signal);
  }
}
