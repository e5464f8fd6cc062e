import {
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  type Stats,
} from 'node:fs';
import { SendenseError } from '../../errors/sendense-error.ts';
import { shownName } from '../shown.ts';
import { join } from './part.ts';

/** Something that is made, and the name that it gets. */
export interface Move {
  readonly from: Buffer;
  /** Folder, as a path that is held by a descriptor. */
  readonly folder: string;
  readonly name: Buffer;
  /** For messages. */
  readonly shown: string;
}

/**
 * Refuses what cannot get its name, before anything is read.
 * @param isFolder whether a folder gets it
 * @throws SendenseError `file.exists`
 */
export function assertFree(folder: string, name: Buffer, isFolder: boolean, overwrite: boolean, shown: string): void {
  const there = statOf(join(folder, name));
  if (!there) return;
  if (!overwrite) throw exists(shown, 'Take it out into another folder, or say --overwrite.');
  if (there.isDirectory() !== isFolder)
    throw exists(shown, `It is ${there.isDirectory() ? 'a folder' : 'no folder'}: move it away first.`);
}

/**
 * Gives what was made its name. Without `overwrite` nothing that exists is replaced, whatever somebody else puts there meanwhile. With
 * it files are replaced, and folders are merged: those that are there keep their owner and mode, and what only they have stays.
 * @throws SendenseError `file.exists`
 */
export function putInPlace(move: Move, overwrite: boolean): void {
  const made = statOf(move.from);
  if (!made) throw new SendenseError('files.reader', `the archive does not hold ${move.shown}`);
  if (overwrite) {
    assertMerges(move, true, made);
    merge(move, made);
  } else if (made.isDirectory()) nameFolder(move);
  else nameFile(move);
}

/** A folder can take the place of an empty one: of one that this process makes there. */
function nameFolder({ from, folder, name, shown }: Move): void {
  const to = join(folder, name);
  taken(shown, () => mkdirSync(to, { mode: 0o700 }));
  try {
    taken(shown, () => renameSync(from, to));
  } catch (error) {
    try {
      rmdirSync(to);
    } catch {
      // Somebody has put something there meanwhile.
    }
    throw error;
  }
}

function nameFile({ from, folder, name, shown }: Move): void {
  const to = join(folder, name);
  try {
    taken(shown, () => linkSync(from, to));
    unlinkSync(from);
  } catch (error) {
    if (!['EPERM', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    // This file system has no second names: the file takes the place of an empty one that this process makes there.
    taken(shown, () => closeSync(openSync(to, 'wx', 0o600)));
    renameSync(from, to);
  }
}

/**
 * Refuses what cannot get its name, or whose content cannot: nothing is replaced until all of it can be.
 * @throws SendenseError `file.exists`
 */
export function assertMerges(
  { from, folder, name, shown }: Move,
  overwrite: boolean,
  made: Stats = lstatSync(from),
): void {
  assertFree(folder, name, made.isDirectory(), overwrite, shown);
  const there = statOf(join(folder, name));
  if (!there?.isDirectory()) return;
  inFolders(from, join(folder, name), (below, around) => {
    for (const inner of readdirSync(below, { encoding: 'buffer' })) {
      const next = { from: join(below, inner), folder: around, name: inner, shown: `${shown}/${shownName(inner)}` };
      const stats = statOf(next.from);
      if (stats) assertMerges(next, overwrite, stats);
    }
  });
}

function merge({ from, folder, name, shown }: Move, made: Stats): void {
  const to = join(folder, name);
  const there = statOf(to);
  if (!made.isDirectory()) return renameSync(from, to);
  if (!there) return nameFolder({ from, folder, name, shown });
  inFolders(from, to, (below, around) => {
    for (const inner of readdirSync(below, { encoding: 'buffer' })) {
      const next = { from: join(below, inner), folder: around, name: inner, shown: `${shown}/${shownName(inner)}` };
      const stats = statOf(next.from);
      if (stats) merge(next, stats);
    }
  });
}

/** Two folders held by descriptors: links that somebody puts in their place lead nowhere. */
function inFolders(from: Buffer, to: Buffer, act: (from: string, to: string) => void): void {
  const how = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const below = openSync(from, how);
  try {
    const around = openSync(to, how);
    try {
      act(`/proc/self/fd/${below}`, `/proc/self/fd/${around}`);
    } finally {
      closeSync(around);
    }
  } finally {
    closeSync(below);
  }
}

const statOf = (path: Buffer): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });

const exists = (shown: string, remedy: string): SendenseError =>
  new SendenseError('file.exists', `${shown} exists already`, { remedy });

function taken(shown: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    throw exists(shown, 'Take it out into another folder, or say --overwrite.');
  }
}
