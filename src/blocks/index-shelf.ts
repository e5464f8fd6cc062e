import { dirname } from 'node:path';
import { versionAt } from './index-file.ts';
import type { Levels } from './levels.ts';

/**
 * Keeps the block index of a disk that was opened last, with all that it is built on, for the one that is built on it: each index of a chain
 * is opened once then. Files on it stay open until another index of their folder takes their place, so only one of a folder is used at a
 * time.
 */
export interface IndexShelf extends AsyncDisposable {
  /** Null: it is not there, or one of its files is not the same any more. */
  get(path: string): Levels | null;
  put(levels: Levels): Promise<void>;
}

export function createIndexShelf(): IndexShelf {
  const last = new Map<string, Levels>();
  const close = async (levels: Levels | undefined, kept: Levels | null): Promise<void> => {
    for (const file of levels ?? []) if (!kept?.includes(file)) await file[Symbol.asyncDispose]();
  };
  return {
    get(path) {
      const levels = last.get(dirname(path));
      return levels?.[0].path === path && levels.every((file) => file.version === versionAt(file.path)) ? levels : null;
    },
    async put(levels) {
      const folder = dirname(levels[0].path);
      const before = last.get(folder);
      last.set(folder, levels);
      await close(before, levels);
    },
    async [Symbol.asyncDispose]() {
      const all = [...last.values()];
      last.clear();
      for (const levels of all) await close(levels, null);
    },
  };
}
