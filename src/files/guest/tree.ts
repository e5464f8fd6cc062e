import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  type BigIntStats,
  type Dirent,
} from 'node:fs';
import type { Entry, EntryType } from '../protocol.ts';
import { refusalOf } from './damage.ts';
import { GuestError } from './guest-error.ts';
import { KnownFolders } from './known-folders.ts';

const slash = 0x2f;
const mostLinks = 40;
/** O_PATH: names a file and opens nothing, whatever it is. Source: open(2), asm-generic/fcntl.h. */
const onlyName = 0o10000000;

/** A place in a volume: a folder that is held open, and a name in it. */
export interface Place extends Disposable {
  /** The open folder. */
  readonly folder: number;
  /** Empty: the folder itself. */
  readonly name: Buffer;
  readonly stats: BigIntStats;
  /** Without links; below the volume's root. */
  readonly path: Buffer;
}

/** By this path the system finds it, however deep it is. */
export const pathOf = ({ folder, name }: Pick<Place, 'folder' | 'name'>): Buffer =>
  Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), name]);

/** The same for another process. */
export const outerPathOf = ({ folder, name }: Pick<Place, 'folder' | 'name'>): Buffer =>
  Buffer.concat([Buffer.from(`/proc/${process.pid}/fd/${folder}/`), name]);

export const statOf = (place: Pick<Place, 'folder' | 'name'>): BigIntStats =>
  lstatSync(pathOf(place), { bigint: true });

/** Parts of a path. Empty ones and `.` do not count. */
export function partsOf(path: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at <= path.length;) {
    const found = path.indexOf(slash, at);
    const end = found < 0 ? path.length : found;
    const part = path.subarray(at, end);
    if (part.length > 0 && !(part.length === 1 && part[0] === 0x2e)) parts.push(part);
    at = end + 1;
  }
  return parts;
}

const isUp = (part: Buffer): boolean => part.length === 2 && part[0] === 0x2e && part[1] === 0x2e;

/**
 * Finds a path below the root of a volume. Links lead to where they would with that root as the system's; none leads out of it.
 * @param follow whether the last name, where that is a link, means what the link names
 * @throws GuestError `path`
 */
export function find(root: string, path: Buffer, follow: boolean): Place {
  const asked = partsOf(path);
  if (asked.some(isUp) || path.includes(0)) throw new GuestError('path', 'a path has no .. and no NUL');
  const known = knownFolders.nearest(root, asked);
  const gone = asked.slice(0, known?.depth ?? 0);
  const rest = asked.slice(gone.length).toReversed();
  let folder = known ? openBelow(known.folder, here) : open(root);
  let links = 0;
  try {
    for (;;) {
      const name = rest.pop();
      if (name === undefined) {
        knownFolders.keep(root, gone, () => openBelow(folder, here));
        return place(folder, Buffer.alloc(0), Buffer.concat(joined(gone)));
      }
      if (isUp(name)) {
        gone.pop();
        closeSync(folder);
        folder = reopen(root, gone);
        continue;
      }
      const stats = statAt(folder, name, gone);
      const isLast = rest.length === 0;
      if (stats.isSymbolicLink() && (follow || !isLast)) {
        if (++links > mostLinks) throw new GuestError('path', `${told([...gone, name])}: too many links`);
        const target = readlinkSync(pathOf({ folder, name }), { encoding: 'buffer' });
        rest.push(...partsOf(target).toReversed());
        if (target[0] === slash) {
          gone.length = 0;
          closeSync(folder);
          folder = open(root);
        }
        continue;
      }
      if (isLast && !stats.isDirectory()) return place(folder, name, Buffer.concat(joined([...gone, name])));
      if (!stats.isDirectory()) throw new GuestError('path', `${told([...gone, name])} is no folder`);
      const below = openBelow(folder, name);
      closeSync(folder);
      folder = below;
      gone.push(name);
    }
  } catch (error) {
    closeSync(folder);
    throw error;
  }
}

const knownFolders = new KnownFolders();
const here = Buffer.from('.');

const place = (folder: number, name: Buffer, path: Buffer): Place => ({
  folder,
  name,
  path,
  stats: statOf({ folder, name: name.length === 0 ? here : name }),
  [Symbol.dispose]: () => closeSync(folder),
});

const open = (path: string | Buffer): number => openSync(path, constants.O_DIRECTORY | constants.O_NOFOLLOW | onlyName);

export const openBelow = (folder: number, name: Buffer): number => open(pathOf({ folder, name }));

function reopen(root: string, parts: readonly Buffer[]): number {
  let folder = open(root);
  for (const part of parts) {
    const below = openBelow(folder, part);
    closeSync(folder);
    folder = below;
  }
  return folder;
}

function statAt(folder: number, name: Buffer, gone: readonly Buffer[]): BigIntStats {
  try {
    return statOf({ folder, name });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new GuestError('path', `there is no ${told([...gone, name])}`);
    throw new GuestError(
      code === 'ENAMETOOLONG' ? 'path' : 'damaged',
      `${told([...gone, name])} cannot be read: ${refusalOf(error)}`,
    );
  }
}

const joined = (parts: readonly Buffer[]): Buffer[] =>
  parts.flatMap((part, at) => (at === 0 ? [part] : [Buffer.from('/'), part]));

/** For messages. */
const told = (parts: readonly Buffer[]): string => `/${Buffer.concat(joined(parts)).toString()}`;

/** A folder's entries, by the bytes of their names. */
export function readFolder(folder: number): Dirent<Buffer>[] {
  const entries = readdirSync(`/proc/self/fd/${folder}`, { encoding: 'buffer', withFileTypes: true });
  return entries.sort((a, b) => Buffer.compare(a.name, b.name));
}

/** Null: the file system does not say it with the name. */
export function typeOfName(entry: Dirent<Buffer>): EntryType | null {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'folder';
  if (entry.isSymbolicLink()) return 'link';
  if (entry.isFIFO()) return 'fifo';
  if (entry.isSocket()) return 'socket';
  if (entry.isCharacterDevice()) return 'char';
  return entry.isBlockDevice() ? 'block' : null;
}

export function typeOf(stats: BigIntStats): EntryType {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  if (stats.isCharacterDevice()) return 'char';
  return stats.isBlockDevice() ? 'block' : 'unknown';
}

/** @param at where it is, for the target of a link */
export function entryOf(named: Buffer, stats: BigIntStats, at: Pick<Place, 'folder' | 'name'>): Entry {
  const type = typeOf(stats);
  const device = Number(stats.rdev);
  return {
    name: named.toString('base64'),
    type,
    size: Number(stats.size),
    allocated: Number(stats.blocks) * 512,
    mode: Number(stats.mode) & 0o7777,
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    links: Number(stats.nlink),
    inode: String(stats.ino),
    mtime: String(stats.mtimeNs),
    ctime: String(stats.ctimeNs),
    atime: String(stats.atimeNs),
    ...(type === 'link' ? { target: linkTarget(at) } : {}),
    // Major and minor numbers. Source: makedev(3).
    ...(type === 'char' || type === 'block'
      ? { device: `${(device >>> 8) & 0xfff}:${(device & 0xff) | ((device >>> 12) & 0xfff00)}` }
      : {}),
  };
}

/**
 * Where volumes are opened whose absolute links show that place, as ntfs-3g makes them of NTFS's: the name is one that nothing else has.
 */
export const shownRoot = (number: string): string => `/mnt/opened-by-sendense-${number}`;
const shownRoots = /^\/mnt\/opened-by-sendense-[\d-]+(?=\/|$)/;

function linkTarget(at: Pick<Place, 'folder' | 'name'>): string {
  try {
    const target = readlinkSync(pathOf(at), { encoding: 'buffer' });
    return Buffer.from(target.toString('latin1').replace(shownRoots, ''), 'latin1').toString('base64');
  } catch {
    return '';
  }
}
