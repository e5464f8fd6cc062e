import { closeSync, fstatSync, type BigIntStats, type Dirent } from 'node:fs';
import type { Answer, Entry, EntryType, WalkFilter } from '../protocol.ts';
import { refusalOf } from './damage.ts';
import { filterOf } from './filter.ts';
import { entryOf, openBelow, readFolder, statOf, typeOf, typeOfName } from './tree.ts';

const mostUnreadable = 100;
/** Longest path that is told, bytes: a damaged file system can have folders below themselves, without an end. */
const longestPath = 32 * 1024;

interface Walker {
  tell(entry: Entry): Promise<void>;
  /** Called again and again, also where nothing fits; what it throws ends the walk. */
  pause(): Promise<void>;
}

/** A folder that the walk is in. */
interface Open {
  readonly file: number;
  readonly path: Buffer;
  /** What tells it from all others. */
  readonly identity: string;
  readonly entries: Iterator<Dirent<Buffer>>;
}

/** Tells of what is below a folder and fits: a folder before what is in it, names in the order of their bytes. */
export async function walkBelow(folder: number, asked: WalkFilter, { tell, pause }: Walker): Promise<Answer<'walk'>> {
  const filter = filterOf(asked);
  const unreadable: string[] = [];
  const fail = (path: Buffer, error: unknown): void => {
    const why = refusalOf(error);
    if (why === null) throw error;
    if (unreadable.length < mostUnreadable) unreadable.push(`/${shortened(path)}: ${why}`);
  };
  const look = async (at: Open, entry: Dirent<Buffer>, path: Buffer): Promise<EntryType> => {
    const known = typeOfName(entry);
    if (known !== null && !filter.mayFit(entry.name, known)) return known;
    const place = { folder: at.file, name: entry.name };
    const stats: BigIntStats = statOf(place);
    const type = typeOf(stats);
    if (filter.mayFit(entry.name, type) && filter.fits(stats)) await tell(entryOf(path, stats, place));
    return type;
  };
  // The first is the caller's; those in it are opened and closed here.
  const open: Open[] = [openFolder(folder, Buffer.alloc(0))];
  let seen = 0;
  try {
    for (let at = open.at(-1); at; at = open.at(-1)) {
      const { value: entry } = at.entries.next();
      if (!entry) {
        if (open.length > 1) closeSync(at.file);
        open.pop();
        continue;
      }
      const path = at.path.length === 0 ? entry.name : Buffer.concat([at.path, Buffer.from('/'), entry.name]);
      if (++seen % 256 === 0) await pause();
      try {
        const type = await look(at, entry, path);
        if (type === 'folder' && open.length < filter.depth) open.push(enter(at, entry.name, path, open));
      } catch (error) {
        fail(path, error);
      }
    }
  } finally {
    for (const { file } of open.slice(1)) closeSync(file);
  }
  return { seen, unreadable };
}

function openFolder(file: number, path: Buffer): Open {
  const { dev, ino } = fstatSync(file, { bigint: true });
  return { file, path, identity: `${dev}:${ino}`, entries: readFolder(file).values() };
}

function enter(above: Open, name: Buffer, path: Buffer, open: readonly Open[]): Open {
  if (path.length > longestPath) throw refused('ENAMETOOLONG');
  const file = openBelow(above.file, name);
  try {
    const below = openFolder(file, path);
    if (open.some(({ identity }) => identity === below.identity)) throw refused('ELOOP');
    return below;
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

const refused = (code: string): Error => Object.assign(new Error(code), { code, syscall: 'open' });

const shownBytes = 512;
/** Of many that cannot be read, all have to fit into one answer. */
const shortened = (path: Buffer): string =>
  path.length <= shownBytes ? path.toString() : `…${path.subarray(-shownBytes).toString()}`;
