import { fstatSync } from 'node:fs';
import type { Entry } from '../protocol.ts';
import { refusalOf } from './damage.ts';
import { namesIn, type Name, type Names } from './names-in.ts';
import { entryOf, find, statOf } from './tree.ts';

/** A page of a folder. */
export interface Page {
  readonly names: readonly Name[];
  /** Those of the page that the folder has more than once. */
  readonly doubled: readonly Buffer[];
  /** In the folder. */
  readonly total: number;
  readonly more: boolean;
}

/** Folders page by page. Names of one that has several pages are kept: to read all of it for each would take ever longer. */
export class Listing {
  #kept: (Names & { readonly identity: string }) | null = null;

  /** @param folder open; its names after `after` */
  page(folder: number, after: Buffer | null, limit: number): Page {
    const { dev, ino } = fstatSync(folder, { bigint: true });
    const identity = `${dev}:${ino}`;
    const all = this.#kept?.identity === identity ? this.#kept : { identity, ...namesIn(folder) };
    const from = after === null ? 0 : firstAfter(all.names, after);
    const names = all.names.slice(from, from + limit);
    const more = from + names.length < all.names.length;
    if (more) this.#kept = all;
    else if (this.#kept === all) this.#kept = null;
    const [first, last] = [names[0], names.at(-1)];
    const isHere = (name: Buffer): boolean =>
      first !== undefined &&
      last !== undefined &&
      Buffer.compare(first.name, name) <= 0 &&
      Buffer.compare(name, last.name) <= 0;
    return { names, doubled: all.doubled.filter(isHere), total: all.names.length, more };
  }
}

/** Index of the first name behind another one. */
function firstAfter(names: readonly Name[], name: Buffer): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Buffer.compare(names[middle]?.name ?? name, name) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** One that cannot be read is told all the same. @param failed hears why */
export function entryAt(folder: number, name: Buffer, failed: (why: string) => void): Entry {
  const at = { folder, name };
  try {
    return entryOf(name, statOf(at), at);
  } catch (error) {
    failed(refusalOf(error) ?? (error as Error).message);
    return unreadable(name);
  }
}

const unreadable = (name: Buffer): Entry => ({
  name: name.toString('base64'),
  type: 'unknown',
  size: 0,
  allocated: 0,
  mode: 0,
  uid: 0,
  gid: 0,
  links: 0,
  inode: '0',
  mtime: '0',
  ctime: '0',
  atime: '0',
});

/** Whether the folder of a path has its name more than once. @param path as it was found; false also where the folder cannot be read */
export function isDoubled(root: string, path: Buffer): boolean {
  const cut = path.lastIndexOf(0x2f);
  const name = path.subarray(cut + 1);
  if (name.length === 0) return false;
  try {
    using above = find(root, path.subarray(0, Math.max(cut, 0)), false);
    return namesIn(above.folder).doubled.some((other) => other.equals(name));
  } catch {
    return false;
  }
}
