import type { ImageKey } from '../host/images/image-options.ts';
import { digestBytes } from './block-index-format.ts';
import { openIndex } from './block-index.ts';
import type { IndexReader } from './index-reader.ts';
import type { Extent } from './extents.ts';
import { runsThatDiffer } from './page-records.ts';

/** Extents (bytes, ascending, merged) of blocks whose digests differ between two indexes of equal capacity. */
export async function changedBetween(
  olderPath: string,
  newerPath: string,
  signal?: AbortSignal,
  key: ImageKey | null = null,
): Promise<Extent[]> {
  await using older = await openIndex(olderPath, { key });
  await using newer = await openIndex(newerPath, { key });
  return await changedIn(older, newer, signal);
}

/** As {@link changedBetween}, of indexes that are open. */
export async function changedIn(older: IndexReader, newer: IndexReader, signal?: AbortSignal): Promise<Extent[]> {
  const changed: { offset: number; length: number }[] = [];
  const add = (block: number, count: number): void => {
    const offset = block * newer.blockSize;
    const length = Math.min(count * newer.blockSize, newer.capacity - offset);
    const last = changed.at(-1);
    if (last && last.offset + last.length === offset) last.length += length;
    else changed.push({ offset, length });
  };
  const zeros = Buffer.alloc(newer.pageBlocks * digestBytes);
  for (let page = 0; page < newer.pageCount; page++) {
    signal?.throwIfAborted();
    if (older.pageDigest(page).equals(newer.pageDigest(page))) continue;
    const [a, b] = [(await older.page(page)) ?? zeros, (await newer.page(page)) ?? zeros];
    for (const { first, count } of runsThatDiffer(b, a)) add(page * newer.pageBlocks + first, count);
  }
  return changed;
}
