import { lstat, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fsyncFolder, isNamed, nameFile } from '../../host/files/files.ts';
import { pinFolder, type PinnedFolder } from '../../host/files/pinned-folder.ts';
import type { PublishRun, Remembered } from '../target-kind.ts';
import type { DiskNames } from './disk-names.ts';
import { findParts, removeEmpty } from './part-folder.ts';

export type NamesClaim = readonly DiskNames[];

export async function publishFiles(claim: NamesClaim, { remember }: Pick<PublishRun, 'remember'>): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const files = await pinned(claim, opened);
  for (const { disk, from } of files) {
    const ours = await identity(from);
    if (ours !== null) remember(disk, ours);
  }
  for (const { from, to, file } of files) {
    // Temporary names go away only when all files have theirs: an earlier attempt came that far.
    if (!(await isNamed(from)) && (await isNamed(to))) continue;
    await nameFile(from, to, file);
  }
  for (const { from } of files) await rm(from, { force: true });
  for (const folder of new Set(files.map(({ around }) => around))) await fsyncFolder(folder);
  for (const folder of new Set(claim.filter(isInParts).map(({ temporary }) => dirname(temporary))))
    await removeEmpty(folder);
}

export async function arePublished(claim: NamesClaim, remembered: Remembered): Promise<boolean> {
  const there = await Promise.all(claim.map(({ disk, file }) => isOurs(disk, file, remembered)));
  return claim.length > 0 && there.every(Boolean);
}

export async function removePublished(claim: NamesClaim, remembered: Remembered): Promise<void> {
  for (const { disk, file } of claim) {
    const folder = await pinFolder(dirname(file)).catch(() => null);
    if (folder === null) continue;
    await using held = folder;
    const path = `${held.path}/${basename(file)}`;
    if (await isOurs(disk, path, remembered)) await rm(path);
  }
}

/** Tells our file from another one that took its name: device and inode of the temporary file, remembered before it is linked. */
const identity = async (path: string): Promise<string | null> => {
  const info = await lstat(path, { bigint: true }).catch(() => null);
  return info ? `${info.dev}:${info.ino}` : null;
};

const isOurs = async (disk: string, path: string, remembered: Remembered): Promise<boolean> =>
  remembered[disk] !== undefined && (await identity(path)) === remembered[disk];

/** Whether it lies in a folder that `restore.write` has made for it, beside the file that it will be. */
const isInParts = ({ temporary, file }: DiskNames): boolean =>
  dirname(dirname(temporary)) === dirname(file) && dirname(temporary).endsWith('.sendense-part');

interface Pinned {
  readonly disk: string;
  readonly file: string;
  /** The temporary file, the file and its folder by paths that nobody else can lead elsewhere, as far as there are such. */
  readonly from: string;
  readonly to: string;
  readonly around: string;
}

async function pinned(claim: NamesClaim, opened: AsyncDisposableStack): Promise<Pinned[]> {
  const folders = new Map<string, PinnedFolder | null>();
  const files: Pinned[] = [];
  for (const entry of claim) {
    const { disk, temporary, file } = entry;
    const folder = dirname(temporary);
    if (isInParts(entry) && !folders.has(folder)) folders.set(folder, opened.use(await findParts(folder)));
    const held = folders.get(folder);
    const around = held ? `${held.path}/..` : dirname(file);
    const from = held ? `${held.path}/${basename(temporary)}` : temporary;
    files.push({ disk, file, from, to: `${around}/${basename(file)}`, around });
  }
  return files;
}
