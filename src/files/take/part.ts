import { createHash, randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
  constants,
} from 'node:fs';
import { SendenseError } from '../../errors/sendense-error.ts';
import { makePrivateFolder, openPrivateFolder, type PinnedFolder } from '../../host/files/pinned-folder.ts';
import { isRunning, thisProcess } from '../../host/programs/process-identity.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';

const mark = '.sendense-files-';

/** Name of the folder in which a file or folder of a restore point is made: the next command finds it again by that. */
export const partName = (words: readonly string[]): string =>
  `${mark}${createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 16)}`;

/**
 * Makes the private folder in which something is made before it gets its name.
 * @param keep whether what a command that was cut off has left in it is wanted
 * @throws SendenseError `file.exists` where another command works in it
 */
export async function beginPart(around: PinnedFolder, name: string, keep: boolean): Promise<PinnedFolder> {
  const path = `${around.path}/${name}`;
  const old = await openPrivateFolder(path);
  if (old !== null) {
    const owner = ownerOf(old);
    if (owner !== null && isRunning(owner)) {
      await old[Symbol.asyncDispose]();
      throw new SendenseError('file.exists', `process ${owner.pid} takes the same out into this folder`, {
        remedy: 'Wait until it has ended.',
      });
    }
    if (keep) return owned(old);
    await old[Symbol.asyncDispose]();
    removeTree(Buffer.from(path));
  }
  return owned(await makePrivateFolder(path, name));
}

function owned(part: PinnedFolder): PinnedFolder {
  writeFileSync(`${part.path}/owner`, JSON.stringify(thisProcess()), { mode: 0o600 });
  return part;
}

/** Null: nobody said, or not to the end. */
function ownerOf(part: PinnedFolder): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(`${part.path}/owner`, 'utf8')) as ProcessIdentity;
  } catch {
    return null;
  }
}

/** Removes what commands that were killed have left in a folder, but for files that `--resume` goes on with. */
export async function removeDeadParts(around: PinnedFolder): Promise<void> {
  for (const name of readdirSync(around.path)) {
    if (!/^\.sendense-files-[0-9a-f]{16}$/.test(name)) continue;
    const part = await openPrivateFolder(`${around.path}/${name}`);
    if (part === null) continue;
    await using held = part;
    const owner = ownerOf(held);
    const resumable = readdirSync(held.path).includes('etag');
    if (!resumable && (owner === null || !isRunning(owner))) removeTree(Buffer.from(`${around.path}/${name}`));
  }
}

/** Removes a tree, also one whose folders nobody may write to, and however deep it is. Follows no link. */
export function removeTree(path: Buffer): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return;
  if (!stats.isDirectory()) return unlinkSync(path);
  inFolder(path, (top) => {
    for (let names = namesIn(top); names.length > 0; names = namesIn(top))
      for (const name of names) removeBelow(join(top, name), top, 1);
  });
  rmdirSync(path);
}

/** So many folders are held at a time. */
const deepest = 16;

/** What is deeper is brought to the top, and removed from there. */
function removeBelow(path: Buffer, top: string, depth: number): void {
  if (!lstatSync(path).isDirectory()) return unlinkSync(path);
  inFolder(path, (folder) => {
    if (depth < deepest) for (const name of namesIn(folder)) removeBelow(join(folder, name), top, depth + 1);
  });
  if (depth < deepest) rmdirSync(path);
  else renameSync(path, join(top, Buffer.from(`${mark}${randomUUID()}`)));
}

const namesIn = (folder: string): Buffer[] => readdirSync(folder, { encoding: 'buffer' });

/** O_PATH: holds a folder that this user may not read yet. Source: open(2), asm-generic/fcntl.h. */
const onlyName = 0o10000000;

/** A folder that is held, so that the way to what is in it is short, and no link takes its place; made ours where it is not. */
function inFolder(path: Buffer, act: (folder: string) => void): void {
  const file = openSync(path, constants.O_DIRECTORY | constants.O_NOFOLLOW | onlyName);
  try {
    const held = `/proc/self/fd/${file}`;
    if ((fstatSync(file).mode & 0o700) !== 0o700) chmodSync(held, 0o700);
    act(held);
  } finally {
    closeSync(file);
  }
}

/** A name in a folder; bytes, for it may be no UTF-8. */
export const join = (folder: string | Buffer, name: Buffer): Buffer =>
  Buffer.concat([Buffer.from(folder), Buffer.from('/'), name]);
