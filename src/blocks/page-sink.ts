import type { LinkEvent, LinkOptions } from '../host/nbd/nbd-lasting.ts';
import type { NbdTarget } from '../host/nbd/nbd-target.ts';
import { blockSize, digestBytes, pageSpan } from './block-index-format.ts';
import type { DigestWork, WriteRule } from './digest-messages.ts';
import { intersect, subtract, totalLength, type Extent } from './extents.ts';

/** Where what is read is written, too. */
export interface PageSink {
  readonly target: NbdTarget;
  /** How further connections hold on to the target. */
  readonly link?: LinkOptions | undefined;
  /** Told of these connections. */
  readonly onLink?: ((event: LinkEvent) => void) | undefined;
  readonly rule: WriteRule;
  /** Only within these, which are whole blocks; the rest is read and hashed only. Default: everything. */
  readonly areas?: readonly Extent[] | undefined;
  /** With `changed`: the digests of a page (a whole one) as the target shows it; null: all zeros. */
  expected?(page: number): Promise<Buffer | null>;
}

/** Writes of one page. */
export interface PageWriter {
  /** What is to be done with each part of these extents. */
  works(extents: readonly Extent[]): { readonly extents: readonly Extent[]; readonly write: WriteRule | undefined }[];
  /** A share of the work as a worker gets it. */
  workOf(extents: readonly Extent[], write: WriteRule | undefined): DigestWork;
  /** Writes zeros where the source is known to have nothing and the target may show something. Resolves to the bytes. */
  writeHoles(holes: readonly Extent[]): Promise<number>;
}

export const noWriter: PageWriter = {
  works: (extents) => [{ extents, write: undefined }],
  workOf: (extents) => ({ extents }),
  writeHoles: async () => 0,
};

export async function createPageWriter(sink: PageSink, page: number): Promise<PageWriter> {
  const { target, rule, areas } = sink;
  const expected = rule === 'changed' ? ((await sink.expected?.(page)) ?? null) : null;
  const placeOf = (offset: number): number => ((offset - page * pageSpan) / blockSize) * digestBytes;
  return {
    works: (extents) =>
      areas === undefined
        ? [{ extents, write: rule }]
        : [
            { extents: intersect(extents, areas), write: rule },
            { extents: subtract(extents, areas), write: undefined },
          ],
    workOf: (extents, write) =>
      write !== 'changed' || expected === null
        ? { extents, write }
        : { extents, write, expected: Buffer.concat(extents.map((extent) => digestsOf(expected, placeOf, extent))) },
    async writeHoles(holes) {
      if (rule === 'data') return 0;
      const within = areas === undefined ? holes : intersect(holes, areas);
      const shown = rule === 'all' ? within : within.flatMap((hole) => nonZero(expected, placeOf, hole));
      await Promise.all(shown.map(({ offset, length }) => target.writeZeroes(offset, length)));
      return totalLength(shown);
    },
  };
}

const digestsOf = (digests: Buffer, placeOf: (offset: number) => number, { offset, length }: Extent): Buffer =>
  digests.subarray(placeOf(offset), placeOf(offset) + Math.ceil(length / blockSize) * digestBytes);

const zeroDigest = Buffer.alloc(digestBytes);

/** The blocks of an extent whose digest is not that of zeros, neighbours merged. */
function nonZero(digests: Buffer | null, placeOf: (offset: number) => number, extent: Extent): Extent[] {
  if (digests === null) return [];
  const found: { offset: number; length: number }[] = [];
  const end = extent.offset + extent.length;
  for (let offset = extent.offset; offset < end; offset += blockSize) {
    const place = placeOf(offset);
    if (zeroDigest.compare(digests, place, place + digestBytes) === 0) continue;
    const length = Math.min(blockSize, end - offset);
    const last = found.at(-1);
    if (last && last.offset + last.length === offset) last.length += length;
    else found.push({ offset, length });
  }
  return found;
}
