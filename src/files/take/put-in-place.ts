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
export function assertMerges(move: Move, overwrite: boolean, made: Stats = lstatSync(move.from)): void {
  eachMove(move, made, ({ folder, name, shown }, one) => {
    assertFree(folder, name, one.isDirectory(), overwrite, shown);
    return statOf(join(folder, name))?.isDirectory() ?? false;
  });
}

function merge(move: Move, made: Stats): void {
  eachMove(move, made, (one, stats) => {
    const to = join(one.folder, one.name);
    const there = statOf(to);
    if (!stats.isDirectory()) renameSync(one.from, to);
    else if (there) return true;
    else nameFolder(one);
    return false;
  });
}

/** Does something with a move, and with those of what is in it where `act` says so: however deep that is, for it takes no stack. */
function eachMove(move: Move, made: Stats, act: (move: Move, made: Stats) => boolean): void {
  const open: Folders[] = [];
  const visit = (one: Move, stats: Stats): void => {
    if (act(one, stats)) open.push(openFolders(one));
  };
  try {
    visit(move, made);
    for (let at = open.at(-1); at; at = open.at(-1)) {
      const name = at.names.pop();
      if (name === undefined) {
        open.pop()?.[Symbol.dispose]();
        continue;
      }
      const next = { ...at.move, from: join(at.from, name), name, shown: `${at.move.shown}/${shownName(name)}` };
      const stats = statOf(next.from);
      if (stats) visit(next, stats);
    }
  } finally {
    for (const folders of open) folders[Symbol.dispose]();
  }
}

/** What is moved out of a folder into one that is there. */
interface Folders extends Disposable {
  readonly from: string;
  /** Of what is in it; but for its name. */
  readonly move: Pick<Move, 'folder' | 'shown'>;
  readonly names: Buffer[];
}

/** Both are held by descriptors: links that somebody puts in their place lead nowhere. */
function openFolders({ from, folder, name, shown }: Move): Folders {
  using stack = new DisposableStack();
  const hold = (path: Buffer): string => {
    const file = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    stack.defer(() => closeSync(file));
    return `/proc/self/fd/${file}`;
  };
  const below = hold(from);
  const move = { folder: hold(join(folder, name)), shown };
  const names = readdirSync(below, { encoding: 'buffer' });
  const held = stack.move();
  return { from: below, move, names, [Symbol.dispose]: () => held.dispose() };
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
