import { lstatSync, readdirSync, rmdirSync } from 'node:fs';
import { SendenseError } from '../../errors/sendense-error.ts';
import { join, removeTree } from '../../files/take/part.ts';
import { assertMerges, putInPlace, type Move } from '../../files/take/put-in-place.ts';
import { shownName } from '../../files/shown.ts';
import { fsyncFolder } from '../../host/files/files.ts';
import { openPrivateFolder, pinFolder, type PinnedFolder } from '../../host/files/pinned-folder.ts';
import type { Remembered, RestoreRun } from '../target-kind.ts';

/** Files of a restore point in a folder: made in a private folder in it, and named at the end. */
export interface TakenClaim {
  /** Absolute. */
  readonly directory: string;
  /** Name of the private folder. */
  readonly part: string;
}

export interface NamedClaim extends TakenClaim {
  /** Names in the folder; bytes as base64url. */
  readonly names: readonly string[];
}

/** In the private folder: what is named at the end. */
export const treeName = 'tree';

/** Where the files of a part are; null: all of them have their names already. @throws SendenseError `file.unreadable` */
async function openPart(target: PinnedFolder, { directory, part, names }: NamedClaim): Promise<PinnedFolder | null> {
  const folder = await openPrivateFolder(`${target.path}/${part}`);
  if (folder !== null) return folder;
  if (names.every((name) => identityOf(join(target.path, Buffer.from(name, 'base64url'))) !== null)) return null;
  throw new SendenseError('file.unreadable', `${directory}/${part}, where the files were made, is not there any more`, {
    remedy: 'Find out who removes files from that folder, and restore again.',
  });
}

/**
 * Gives what was taken its names. Nothing is replaced without `overwrite`, and nothing at all before everything can have its name.
 * @throws SendenseError `file.exists`
 */
export async function nameTaken(
  claim: NamedClaim,
  overwrite: boolean,
  remember: RestoreRun['remember'],
): Promise<void> {
  await using target = await pinFolder(claim.directory);
  await using part = await openPart(target, claim);
  if (part === null) return remember(allNamed, true);
  const tree = `${part.path}/${treeName}`;
  const moves = claim.names.map((name): Move => {
    const bytes = Buffer.from(name, 'base64url');
    const shown = `${claim.directory}/${shownName(bytes)}`;
    return { from: join(tree, bytes), folder: target.path, name: bytes, shown };
  });
  // An earlier attempt of the same run may have named some.
  const left = moves.filter(({ from }) => identityOf(from) !== null);
  for (const move of left) assertMerges(move, overwrite);
  // What takes the place of something else is not taken back.
  const own = left.filter((move) => identityOf(placeOf(move)) === null);
  for (const move of own) remember(keyOf(move.name), identityOf(move.from));
  for (const move of left) putInPlace(move, overwrite);
  await fsyncFolder(target.path);
  remember(allNamed, true);
  removeTree(Buffer.from(`${target.path}/${claim.part}`));
}

const allNamed = 'named';

/** Names of the journal are text. */
const keyOf = (name: Buffer): string => `name ${name.toString('base64url')}`;

const placeOf = ({ folder, name }: Move): Buffer => join(folder, name);

/** Tells what this run has made from what has taken its name. */
function identityOf(path: Buffer): string | null {
  const info = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return info ? `${info.dev}:${info.ino}` : null;
}

export const areNamed = (remembered: Remembered): boolean => remembered[allNamed] === true;

/** Removes what {@link nameTaken} has named, but for what took the place of something that was there. */
export async function removeNamed({ directory, names }: NamedClaim, remembered: Remembered): Promise<void> {
  const target = await pinFolder(directory).catch(() => null);
  if (target === null) return;
  await using held = target;
  for (const text of names) {
    const name = Buffer.from(text, 'base64url');
    const ours = remembered[keyOf(name)];
    if (ours === undefined) continue;
    const path = join(held.path, name);
    if (identityOf(path) === ours) removeTree(path);
    else removeIfEmptyFolder(path);
  }
}

/** A folder gets its name by taking the place of an empty one that this process has made there a moment before. */
function removeIfEmptyFolder(path: Buffer): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats?.isDirectory() || (stats.mode & 0o777) !== 0o700 || stats.uid !== process.geteuid?.()) return;
  if (readdirSync(path).length === 0) rmdirSync(path);
}

/** Removes the private folder with all that is in it. "Nothing there" is success. */
export async function removeTaken({ directory, part }: TakenClaim): Promise<void> {
  const target = await pinFolder(directory).catch(() => null);
  if (target === null) return;
  await using held = target;
  const folder = await openPrivateFolder(`${held.path}/${part}`);
  if (folder === null) return;
  await folder[Symbol.asyncDispose]();
  removeTree(Buffer.from(`${held.path}/${part}`));
}
