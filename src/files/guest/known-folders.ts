import { closeSync } from 'node:fs';

/** A folder on the way to a path. */
export interface KnownFolder {
  /** Open; to be opened anew, not to be closed. */
  readonly folder: number;
  /** How many names of the path lead to it. */
  readonly depth: number;
}

/** So many are held. */
const most = 64;
/** Below that it is quicker to go there from the root. */
const leastDepth = 8;

/**
 * Deep folders that were found last, held open: whoever goes down a tree asks for each of its folders, and the way to it from the root
 * would become ever longer.
 */
export class KnownFolders {
  /** That which was used last is at the end. */
  readonly #held = new Map<string, number>();

  /** The path itself, or the folder that it is in. @param root of the volume */
  nearest(root: string, names: readonly Buffer[]): KnownFolder | null {
    for (const depth of [names.length, names.length - 1]) {
      if (depth < leastDepth) return null;
      const key = keyOf(root, names.slice(0, depth));
      const folder = this.#held.get(key);
      if (folder === undefined) continue;
      this.#held.delete(key);
      this.#held.set(key, folder);
      return { folder, depth };
    }
    return null;
  }

  /** @param open opens the folder for this */
  keep(root: string, names: readonly Buffer[], open: () => number): void {
    if (names.length < leastDepth) return;
    const key = keyOf(root, names);
    if (this.#held.has(key)) return;
    const [oldest] = this.#held;
    if (this.#held.size >= most && oldest) {
      this.#held.delete(oldest[0]);
      closeSync(oldest[1]);
    }
    this.#held.set(key, open());
  }
}

const keyOf = (root: string, names: readonly Buffer[]): string =>
  `${root}/${names.map((name) => name.toString('latin1')).join('/')}`;
