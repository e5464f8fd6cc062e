import { lstat, readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { trashFolder } from '../layout.ts';

/** Bytes that a repository takes on its disk, holes not counted. */
export interface Allocated {
  readonly total: number;
  /** By the VM's context. */
  readonly contexts: ReadonlyMap<string, number>;
  /** What `repo gc` has put aside. */
  readonly trash: number;
}

/** How many files are looked at at once. */
const atOnce = 32;

/**
 * Looks at every file of a repository. What vanishes meanwhile counts for nothing.
 * @param without files that do not count, relative to the repository
 */
export async function allocatedIn(
  root: string,
  signal?: AbortSignal,
  without: ReadonlySet<string> = new Set(),
): Promise<Allocated> {
  const contexts = new Map<string, number>();
  let trash = 0;
  let total = 0;
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !without.has(relative(root, file)));
  for (let from = 0; from < files.length; from += atOnce) {
    signal?.throwIfAborted();
    const some = files.slice(from, from + atOnce);
    const sizes = await Promise.all(some.map(allocatedBytes));
    for (const [index, file] of some.entries()) {
      const path = relative(root, file);
      const bytes = sizes[index] ?? 0;
      total += bytes;
      if (path.startsWith(`${trashFolder}${sep}`)) trash += bytes;
      const [context = '', ...below] = path.split(sep);
      if (below.length > 0 && !context.startsWith('.')) contexts.set(context, (contexts.get(context) ?? 0) + bytes);
    }
  }
  return { total, contexts, trash };
}

/** 0 where there is no such file. */
export async function allocatedBytes(path: string): Promise<number> {
  try {
    return (await lstat(path)).blocks * 512;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
