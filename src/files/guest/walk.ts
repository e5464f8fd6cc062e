import { closeSync } from 'node:fs';
import type { Answer, Entry, WalkFilter } from '../protocol.ts';
import { filterOf } from './filter.ts';
import { entryOf, openBelow, readFolder, statOf, typeOf, typeOfName } from './tree.ts';

const mostUnreadable = 100;

interface Walker {
  tell(entry: Entry): Promise<void>;
  /** Called again and again, also where nothing fits; what it throws ends the walk. */
  pause(): Promise<void>;
}

/** Tells of what is below a folder and fits: a folder before what is in it, names in the order of their bytes. */
export async function walkBelow(folder: number, asked: WalkFilter, { tell, pause }: Walker): Promise<Answer<'walk'>> {
  const filter = filterOf(asked);
  const unreadable: string[] = [];
  let seen = 0;
  const fail = (path: Buffer, error: unknown): void => {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    if (unreadable.length < mostUnreadable) unreadable.push(`/${path.toString()}: ${why}`);
  };
  const into = async (at: number, above: Buffer, depth: number): Promise<void> => {
    for (const entry of readFolder(at)) {
      const { name } = entry;
      const path = above.length === 0 ? name : Buffer.concat([above, Buffer.from('/'), name]);
      if (++seen % 256 === 0) await pause();
      const known = typeOfName(entry);
      let isFolder = known === 'folder';
      try {
        if (known === null || filter.mayFit(name, known)) {
          const stats = statOf({ folder: at, name });
          const type = typeOf(stats);
          isFolder = type === 'folder';
          if (filter.mayFit(name, type) && filter.fits(stats)) await tell(entryOf(path, stats, { folder: at, name }));
        }
        if (!isFolder || depth >= filter.depth) continue;
        const below = openBelow(at, name);
        try {
          await into(below, path, depth + 1);
        } finally {
          closeSync(below);
        }
      } catch (error) {
        if (!isOfFileSystem(error)) throw error;
        fail(path, error);
      }
    }
  };
  await into(folder, Buffer.alloc(0), 1);
  return { seen, unreadable };
}

const isOfFileSystem = (error: unknown): boolean => (error as NodeJS.ErrnoException).syscall !== undefined;
