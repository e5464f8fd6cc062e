import { dirname, join } from 'node:path';
import { mostIndexBytes, mostLevels } from '../blocks/block-index-format.ts';
import { openIndex } from '../blocks/block-index.ts';
import { parentOfIndex } from '../blocks/index-parent.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import type { ImageKey } from '../host/images/image-options.ts';
import { lockedHeadBytes } from '../host/images/locked-file.ts';
import { sha256OfFile, tooLong } from './sha256-of-file.ts';

/** The index of one disk of a committed restore point. */
export interface StoredIndex {
  /** Relative to the repository. */
  readonly indexPath: string;
  readonly indexSha256: string;
  /** Of the disk, bytes. */
  readonly capacity: number;
  /** Its root. */
  readonly digest: string;
}

/**
 * Why the newest of these indexes cannot be used, for itself or for what it is built on; null: it can. Each file that it needs is
 * read. A removal may give one another form before the database knows of it: what counts then is that it says the same.
 * @param chain of one disk, newest first
 * @param key of encrypted ones; without it only the newest file itself is looked at
 */
export async function indexFault(
  repository: string,
  chain: readonly StoredIndex[],
  key: ImageKey | null = null,
  signal?: AbortSignal,
): Promise<string | null> {
  const [newest] = chain;
  if (!newest) return null;
  const path = join(repository, newest.indexPath);
  const what = await asCommitted(repository, chain, key, signal);
  if (what === null) return null;
  if (what === 'ENOENT') return `block index ${newest.indexPath} is missing`;
  if (what === tooLong)
    return `block index ${newest.indexPath}, or one that it is built on, is longer than the index of such a disk can be`;
  return (await saysTheSame(path, newest.digest, key, signal)) ? null : `block index ${newest.indexPath} ${what}`;
}

/** Bytes that the index of a disk can have, encrypted or not. */
export const mostStoredIndexBytes = (capacity: number): number => mostIndexBytes(capacity) + lockedHeadBytes;

/** Why not each file is as it was committed; null: each is. */
async function asCommitted(
  repository: string,
  chain: readonly StoredIndex[],
  key: ImageKey | null,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const folder = dirname(chain[0]?.indexPath ?? '');
  let next = chain[0]?.indexPath ?? null;
  for (let level = 0; next !== null; level++) {
    const path = next;
    const stored = chain.find(({ indexPath }) => indexPath === path);
    // A removal that goes on may have given it another form; whether that says the same is asked with a bound of its own.
    if (!stored) return `is built on ${path}, which is not as it was committed`;
    const most = mostStoredIndexBytes(stored.capacity);
    const sha256 = await sha256OfFile(join(repository, path), signal, most).catch(codeOf);
    signal?.throwIfAborted();
    if (level === 0 && sha256 === 'ENOENT') return sha256;
    if (sha256 === tooLong) return tooLong;
    if (level === mostLevels || sha256 !== stored.indexSha256)
      return level === 0 ? 'is not as it was committed' : `is built on ${path}, which is not as it was committed`;
    const parent = await parentOfIndex(join(repository, path), key).catch((error: unknown) => {
      signal?.throwIfAborted();
      // Without the key nothing more can be read.
      if (error instanceof SendenseError) return null;
      return codeOf(error as NodeJS.ErrnoException);
    });
    if (typeof parent === 'string') return `is built on what ${path} names, and that cannot be read (${parent})`;
    next = parent && join(folder, `${parent.name}.index`);
  }
  return null;
}

const codeOf = (error: NodeJS.ErrnoException): string => error.code ?? 'unreadable';

/** Whether an index can be read with all that it is built on, and has this root. */
export async function saysTheSame(
  path: string,
  digest: string,
  key: ImageKey | null,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    await using index = await openIndex(path, { verify: 'all', key, signal });
    return index.root === digest;
  } catch {
    signal?.throwIfAborted();
    // Damaged, gone, or on a bad sector: it cannot be relied on.
    return false;
  }
}
