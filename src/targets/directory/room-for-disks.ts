import { readdir, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists, freeBytes } from '../../host/files/files.ts';
import { isWithin, nearestFolder, realFolder } from '../../host/files/future-folder.ts';
import { makeFolders } from '../../host/files/make-folders.ts';
import { imageTarget } from '../../host/images/image-options.ts';
import { measureImage } from '../../host/images/qemu-img.ts';
import { sizeText } from '../../repository/stored-files/size.ts';
import type { RestoreRequest, RestoreRun } from '../target-kind.ts';
import type { DirectoryClaim } from './disk-names.ts';
import { formatOf } from './formats.ts';

export async function assertNothingThere({ targets, others = [] }: DirectoryClaim): Promise<void> {
  for (const { file } of [...targets, ...others]) {
    if (await exists(file)) throw new SendenseError('file.exists', `${file} exists already`);
  }
}

/** A restore never writes into the repository. @throws SendenseError `target.unfit` */
export async function assertApart(repository: string, directory: string): Promise<void> {
  if (!isWithin(await realFolder(directory), await realFolder(repository)) && !isWithin(directory, repository)) return;
  throw new SendenseError('target.unfit', `${directory} lies inside the repository ${repository}`, {
    remedy: 'Choose a directory outside of the repository.',
  });
}

/**
 * Before anything is written: a restore that ends at a full disk has cost hours. What is compressed takes nobody knows how much.
 * @throws SendenseError `disk.full`
 */
export async function assertFits(
  { to, disks, from }: RestoreRequest<'directory'>,
  directory: string,
  { signal, log }: RestoreRun,
): Promise<void> {
  if (to.thin || formatOf(to).isStream) return;
  const there = await nearestFolder(directory);
  const free = await freeBytes(there);
  // Known at once, and nearly always enough.
  if (disks.reduce((sum, disk) => sum + disk.capacity_bytes, 0) <= free) return;
  const keys = await from.keys();
  let needed = 0;
  for (const disk of disks) needed += await measureImage(await imageTarget(disk.file, { key: keys.of(disk) }), signal);
  log(`the disks hold ${sizeText(needed)}, ${sizeText(free)} are free at ${there}`);
  if (needed <= free) return;
  throw new SendenseError(
    'disk.full',
    `the disks need ${sizeText(needed)} (${needed} bytes) at ${directory}, ${sizeText(free)} (${free} bytes) are free; nothing was written`,
    {
      remedy:
        'Make space, choose another directory, restore fewer disks (--disk), or look into them with --format qcow2 --thin.',
    },
  );
}

/** Remembers the topmost folder that it will make, before it makes it, so that undo removes exactly these. */
export async function makeDirectory(directory: string, remember: RestoreRun['remember']): Promise<void> {
  let firstMade: string | null = null;
  for (let folder = directory; !(await exists(folder)); folder = dirname(folder)) firstMade = folder;
  if (firstMade !== null) remember('firstMade', firstMade);
  makeFolders(directory);
}

/** Only folders that are empty. */
export async function removeMadeFolders(directory: string, firstMade: unknown): Promise<void> {
  if (typeof firstMade !== 'string') return;
  for (let folder = directory; folder.length >= firstMade.length; folder = dirname(folder)) {
    const names = await readdir(folder).catch(() => null);
    if (names === null) continue;
    if (names.length > 0) return;
    await rmdir(folder);
  }
}
