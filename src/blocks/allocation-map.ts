import type { NbdClient } from '../host/nbd-client.ts';
import { normalise, type Extent } from './extents.ts';

/** Where an export has data, asked piece by piece as one walks along. */
export interface AllocationMap {
  /**
   * What of the piece may be other than zeros, in order. `askUntil` (the end of what will be asked for later, bytes)
   * lets one request to the server answer for more than this piece.
   */
  dataWithin(piece: Extent, askUntil: number): Promise<Extent[]>;
}

export function createAllocationMap(client: NbdClient): AllocationMap {
  /** What the server said last; covers `from` to `until`. */
  let known: { readonly from: number; readonly until: number; readonly data: readonly Extent[] } | null = null;

  const ask = async (offset: number, until: number): Promise<NonNullable<typeof known>> => {
    const extents = await client.allocation(offset, until - offset);
    const last = extents.at(-1)!;
    return { from: offset, until: last.offset + last.length, data: normalise(extents.filter(({ zero }) => !zero)) };
  };

  return {
    async dataWithin(piece, askUntil) {
      const data: Extent[] = [];
      const end = piece.offset + piece.length;
      for (let offset = piece.offset; offset < end; offset = Math.min(known.until, end)) {
        if (known === null || offset < known.from || offset >= known.until) {
          known = await ask(offset, Math.max(end, askUntil));
        }
        for (const extent of from(known.data, offset)) {
          if (extent.offset >= end) break;
          const start = Math.max(extent.offset, offset);
          data.push({ offset: start, length: Math.min(extent.offset + extent.length, end) - start });
        }
      }
      return normalise(data);
    },
  };
}

/** The extents that end behind `offset`; the list may be long (a fragmented image), so the first is searched by halves. */
function* from(extents: readonly Extent[], offset: number): Generator<Extent> {
  let low = 0;
  for (let high = extents.length; low < high;) {
    const middle = (low + high) >> 1;
    if (extents[middle]!.offset + extents[middle]!.length <= offset) low = middle + 1;
    else high = middle;
  }
  for (; low < extents.length; low++) yield extents[low]!;
}
