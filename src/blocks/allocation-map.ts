import type { NbdClient } from '../host/nbd/nbd-client.ts';
import { intersect, normalise, type Extent } from './extents.ts';

/** Where an export has data, asked piece by piece as one walks along. */
export interface AllocationMap {
  /**
   * What of these extents may be other than zeros. `askUntil` (where the last of them ends or later, bytes) lets one
   * request to the server answer for the next call too.
   */
  dataWithin(wanted: readonly Extent[], askUntil: number): Promise<Extent[]>;
}

interface Known {
  readonly from: number;
  readonly until: number;
  readonly data: readonly Extent[];
}

export function createAllocationMap(client: NbdClient): AllocationMap {
  /** What the server said last. */
  let known: Known = { from: 0, until: 0, data: [] };

  const ask = async (from: number, until: number): Promise<Known> => {
    const extents = await client.allocation(from, until - from);
    const covered = extents.reduce((end, extent) => Math.max(end, extent.offset + extent.length), from);
    return { from, until: covered, data: normalise(extents.filter(({ zero }) => !zero)) };
  };

  return {
    async dataWithin(wanted, askUntil) {
      const [first, last] = [wanted[0], wanted.at(-1)];
      if (first === undefined || last === undefined) return [];
      const end = last.offset + last.length;
      const found: Extent[][] = [];
      for (let position = first.offset; position < end; position = known.until) {
        if (position < known.from || position >= known.until) known = await ask(position, askUntil);
        found.push(intersect(known.data, wanted));
      }
      return normalise(found.flat());
    },
  };
}
