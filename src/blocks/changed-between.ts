import type { ImageKey } from '../host/image-options.ts';
import { digestBytes } from './block-index-format.ts';
import { openIndex } from './block-index.ts';
import type { Extent } from './extents.ts';

/** Extents (bytes, ascending, merged) of blocks whose digests differ between two indexes of equal capacity. */
export async function changedBetween(
  olderPath: string,
  newerPath: string,
  signal?: AbortSignal,
  key: ImageKey | null = null,
): Promise<Extent[]> {
  await using older = await openIndex(olderPath, { key });
  await using newer = await openIndex(newerPath, { key });
  const changed: { offset: number; length: number }[] = [];
  const add = (block: number): void => {
    const offset = block * newer.blockSize;
    const length = Math.min(newer.blockSize, newer.capacity - offset);
    const last = changed.at(-1);
    if (last && last.offset + last.length === offset) last.length += length;
    else changed.push({ offset, length });
  };
  const zeros = Buffer.alloc(newer.pageBlocks * 32);
  for (let page = 0; page < newer.pageCount; page++) {
    signal?.throwIfAborted();
    const [a, b] = [(await older.page(page)) ?? zeros, (await newer.page(page)) ?? zeros];
    if (a.equals(b)) continue;
    const first = page * newer.pageBlocks;
    const [left, right] = [wordsOf(a), wordsOf(b)];
    for (let at = 0; at < right.length; at += digestWords) {
      let word = at;
      while (word < at + digestWords && left[word] === right[word]) word++;
      if (word < at + digestWords) add(first + at / digestWords);
    }
  }
  return changed;
}

const digestWords = digestBytes / Uint32Array.BYTES_PER_ELEMENT;

/** As numbers: a call for each of the many blocks of a disk would take longer than reading them. */
const wordsOf = (digests: Buffer): Uint32Array =>
  new Uint32Array(digests.buffer.slice(digests.byteOffset, digests.byteOffset + digests.length));
