import { closeSync, fstatSync } from 'node:fs';
import { doubledWhy, type EntryType } from '../protocol.ts';
import { refusalOf } from './damage.ts';
import { namesIn, type Name } from './names-in.ts';
import { pathAlong, trailTo, type Trail } from './trail.ts';
import { openBelow } from './tree.ts';
import { Unreadable } from './unreadable.ts';

/** Where it begins. */
export interface Begin {
  /** Open folder. */
  readonly file: number;
  /** Below the volume's root. */
  readonly path: Buffer;
}

/** A name on the way. */
export interface Visited extends Name {
  /** The open folder that has it. */
  readonly folder: number;
  readonly trail: Trail;
}

interface Visitor {
  /** @returns the type; a folder is gone into. What a file system refuses by is told. */
  visit(name: Visited): Promise<EntryType>;
  /** Called again and again; what it throws ends all of it. */
  pause(): Promise<void>;
  /** How many folders deep. */
  readonly depth?: number;
  /** Longest path below the first folder, bytes; what has a longer one is left out, and its folder is told with `tooLong`. */
  readonly longest: number;
  readonly tooLong: string;
}

/** How many names there were, and what could not be read. */
export interface GoneThrough {
  readonly seen: number;
  readonly unreadable: readonly string[];
}

/** A folder that it is in. */
interface Open {
  readonly file: number;
  /** Null: where it began. */
  readonly trail: Trail | null;
  /** What tells it from all others. */
  readonly identity: string;
  readonly names: Iterator<Name>;
  isTold: boolean;
}

/** For messages: the whole path of what is in a folder. */
export const pathBelow = (folder: Buffer, path: Buffer): Buffer =>
  Buffer.concat([Buffer.from('/'), folder, Buffer.from(folder.length > 0 && path.length > 0 ? '/' : ''), path]);

/** Visits what is below a folder: a folder before what is in it, names in the order of their bytes. */
export async function goThrough(begin: Begin, visitor: Visitor): Promise<GoneThrough> {
  const { visit, pause, depth = Number.POSITIVE_INFINITY, longest, tooLong } = visitor;
  const unreadable = new Unreadable();
  const fail = (trail: Trail | null, why: string): void =>
    unreadable.add(() => pathBelow(begin.path, trail ? pathAlong(trail) : Buffer.alloc(0)), why);
  using way = new Way(fail);
  way.enter(begin.file, null);
  let seen = 0;
  for (let at = way.at; at; at = way.at) {
    const { value: name } = at.names.next();
    if (!name) {
      way.leave();
      continue;
    }
    if (++seen % 256 === 0) await pause();
    const trail = trailTo(at.trail, name.name);
    if (trail.bytes > longest) {
      if (!at.isTold) fail(at.trail, tooLong);
      at.isTold = true;
      continue;
    }
    try {
      const type = await visit({ ...name, folder: at.file, trail });
      if (type === 'folder' && way.depth < depth) way.goInto(at, trail);
    } catch (error) {
      const why = error instanceof Loop ? error.message : refusalOf(error);
      if (why === null) throw error;
      fail(trail, why);
    }
  }
  return { seen, unreadable: unreadable.lines };
}

/** A damaged file system can have folders below themselves, without an end. */
class Loop extends Error {}

/** The folders from the first to where it is. That one is the caller's; those in it are opened and closed here. */
class Way implements Disposable {
  readonly #open: Open[] = [];
  readonly #identities = new Set<string>();
  readonly #fail: (trail: Trail, why: string) => void;

  constructor(fail: (trail: Trail, why: string) => void) {
    this.#fail = fail;
  }

  get at(): Open | undefined {
    return this.#open.at(-1);
  }

  get depth(): number {
    return this.#open.length;
  }

  enter(file: number, trail: Trail | null): void {
    const { dev, ino } = fstatSync(file, { bigint: true });
    const identity = `${dev}:${ino}`;
    if (this.#identities.has(identity)) throw new Loop('ELOOP');
    const { names, doubled } = namesIn(file);
    for (const name of doubled) this.#fail(trailTo(trail, name), doubledWhy);
    this.#identities.add(identity);
    this.#open.push({ file, trail, identity, names: names.values(), isTold: false });
  }

  goInto(at: Open, trail: Trail): void {
    const file = openBelow(at.file, trail.name);
    try {
      this.enter(file, trail);
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  leave(): void {
    const left = this.#open.pop();
    if (!left) return;
    this.#identities.delete(left.identity);
    if (this.#open.length > 0) closeSync(left.file);
  }

  [Symbol.dispose](): void {
    while (this.#open.length > 0) this.leave();
  }
}
