import type { ImageLayer } from '../../host/images/image-layers.ts';
import type { ImageTarget } from '../../host/images/image-options.ts';
import { mapPart, type Allocation } from '../../host/images/qemu-img.ts';

/** A piece of a disk, bytes. */
export interface Area {
  readonly offset: number;
  readonly length: number;
}

/** A piece of a disk, and where its bytes lie as they are; null: they are zeros. */
export interface Stored extends Area {
  readonly in: { readonly file: string; readonly offset: number } | null;
}

/** Finds out where bytes of a disk lie in files of this machine. What it says nothing of has to be read in another way. */
export type FindStored = (areas: readonly Area[], signal?: AbortSignal) => Promise<readonly Stored[]>;

/** Areas with less than this between them are looked up together, bytes. */
const apartBytes = 64 * 1024 * 1024;
/** A file that is strewn more than this is read another way: each look costs a start of a program. */
const mostLooks = 16;
/** Neither are so many pieces looked at, in all. */
const mostPieces = 200_000;

/**
 * Finds bytes in the files of a chain; what is compressed or encrypted lies nowhere as it is. The files must not change as long as what
 * it says is used.
 * @param layers the files, newest first
 * @param chain tells how to open all of it
 */
export function storedIn(layers: readonly ImageLayer[], chain: ImageTarget): FindStored {
  return async (areas, signal) => {
    const looks = together(areas);
    if (looks.length > mostLooks) return [];
    const found: Stored[] = [];
    for (const look of looks) {
      const pieces = await mapPart(chain, look, mostPieces - found.length, signal);
      if (pieces === null) return [];
      for (const piece of pieces) found.push(...storedOf(piece, layers));
    }
    return found;
  };
}

/** Areas that cover all of these, in order. */
function together(areas: readonly Area[]): Area[] {
  const merged: { offset: number; length: number }[] = [];
  for (const { offset, length } of [...areas].sort((a, b) => a.offset - b.offset)) {
    const last = merged.at(-1);
    if (last && offset - last.offset - last.length < apartBytes)
      last.length = Math.max(last.length, offset + length - last.offset);
    else merged.push({ offset, length });
  }
  return merged;
}

function storedOf({ start, length, depth, zero, data, offset }: Allocation, layers: readonly ImageLayer[]): Stored[] {
  if (zero) return [{ offset: start, length, in: null }];
  const file = layers[depth]?.file;
  if (!data || offset === undefined || file === undefined) return [];
  return [{ offset: start, length, in: { file, offset } }];
}
