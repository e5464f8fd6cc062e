import { blockCountOf, blockSize } from './block-index-format.ts';
import type { Extent } from './extents.ts';

/** A set of blocks of one disk: one bit each (4 MiB for 2 TiB), whatever the order in which they are added. */
export interface BlockSet {
  readonly size: number;
  add(block: number): void;
  /** In order, merged, clipped at the capacity. */
  extents(): Generator<Extent>;
}

export function createBlockSet(capacity: number): BlockSet {
  const count = blockCountOf(capacity);
  const bits = new Uint8Array(Math.ceil(count / 8));
  let size = 0;
  const has = (block: number): boolean => ((bits[block >> 3] ?? 0) & (1 << (block & 7))) !== 0;
  return {
    get size() {
      return size;
    },
    add(block) {
      if (has(block)) return;
      bits[block >> 3] = (bits[block >> 3] ?? 0) | (1 << (block & 7));
      size++;
    },
    *extents() {
      for (let first = 0; first < count;) {
        if (bits[first >> 3] === 0) first = ((first >> 3) + 1) << 3;
        else if (!has(first)) first++;
        else {
          let end = first + 1;
          while (end < count && has(end)) end++;
          const offset = first * blockSize;
          yield { offset, length: Math.min(end * blockSize, capacity) - offset };
          first = end;
        }
      }
    },
  };
}
