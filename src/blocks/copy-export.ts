import { SendenseError } from '../errors/sendense-error.ts';
import { connectNbd } from '../host/nbd/nbd-client.ts';
import type { LinkEvent, LinkOptions } from '../host/nbd/nbd-lasting.ts';
import { waysTo } from '../host/nbd/nbd-protocol.ts';
import { connectSpread } from '../host/nbd/nbd-spread.ts';
import { connectNbdTarget } from '../host/nbd/nbd-target.ts';
import type { AllocationMap } from './allocation-map.ts';
import { blockSize } from './block-index-format.ts';
import type { IndexFacts } from './block-index.ts';
import type { WriteRule } from './digest-messages.ts';
import { digestPages } from './digest-pages.ts';
import { alignTo, assertWithin, intersect, normalise, type Extent } from './extents.ts';
import { indexPages, type IndexStore } from './index-pages.ts';
import type { Pace } from './pacer.ts';

export interface CopyExportOptions {
  /** NBD URI of the export to read. */
  readonly from: string;
  /** A raw file of this host with the same content, read instead of the export. */
  readonly file?: string | undefined;
  /** NBD URI of the export to write, of the same size. */
  readonly to: string;
  /** How to hold on to the target when the connection to it breaks. */
  readonly link?: LinkOptions | undefined;
  /** Told when a connection to the target breaks, and when it is there again. */
  readonly onLink?: ((event: LinkEvent) => void) | undefined;
  /** Where the block index is written: a temporary name of the caller's. Removed again when this fails. */
  readonly indexPath: string;
  /** What of the blocks that are read is written; `changed` needs `compareWith`. */
  readonly write: WriteRule;
  /** Only these parts, bytes, any form, are written, grown to whole blocks. Default: the whole disk. */
  readonly areas?: readonly Extent[] | undefined;
  /** With `areas`: the index from which digests outside them are taken over; without it everything is read. */
  readonly base?: string | undefined;
  /** Index of what the target shows. Its capacity must be the export's. */
  readonly compareWith?: string | undefined;
  /** How the index is stored. Default: format 1. */
  readonly store?: IndexStore | undefined;
  /** What may hold data, bytes, any form: the rest counts as zeros. Default: the export is asked. */
  readonly allocated?: readonly Extent[] | null | undefined;
  /**
   * Connections to the source at a time. Default 3: two for threads, one to ask where data is. With 1 this thread does all
   * the work. As many to the target, or one more than it has `addresses` where that is more.
   */
  readonly connections?: number | undefined;
  /** Of one read, bytes. Default 1 MiB. */
  readonly requestBytes?: number | undefined;
  readonly pace?: Pace | undefined;
  /** Most bytes that `pace` is asked for at a time, a multiple of 64 KiB. */
  readonly paceBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes dealt with so far, in all, and read so far; once a request. */
  readonly onProgress?: ((bytesDone: number, bytesTotal: number, bytesRead: number) => void) | undefined;
}

export interface CopyExportResult extends IndexFacts {
  /** Bytes. */
  readonly capacity: number;
  /** Whole blocks that differ from `compareWith`, else `base`; null without either. */
  readonly changed: Extent[] | null;
  /** Holes are known, not read. */
  readonly bytesRead: number;
  /** Of what was read, the blocks that are not zeros. */
  readonly bytesData: number;
  /** Zeros that were written count too. */
  readonly bytesWritten: number;
  /** Of what was written, the data: zeros are told, not sent. */
  readonly bytesSent: number;
}

/**
 * Copies an export onto another in one pass: every byte is read at most once, hashed for the block index, and written from
 * the same buffer. Ends with the target flushed. Holds at most 8 buffers of `requestBytes` per connection (24 MiB by
 * default) and some 2 MiB of digests, whatever the size of the disk.
 * @throws SendenseError `nbd.lost` (source or target, named), `disk.full` (target), `content.mismatch`, `repository.damaged`
 */
export async function copyExport(options: CopyExportOptions): Promise<CopyExportResult> {
  const { from, to, link, onLink, indexPath, write, base, compareWith, connections = 3, signal } = options;
  if (write === 'changed' && compareWith === undefined)
    throw new SendenseError('run.internal', 'copyExport writes what changed only with an index to compare with');
  if (base !== undefined && options.areas === undefined)
    throw new SendenseError('run.internal', 'copyExport takes `base` only with `areas`');
  await using source = await connectNbd(from, { signal });
  await using first = await connectNbdTarget(to, { ...link, onLink, signal });
  // Threads have connections of their own to the other addresses; one that does all the work alone has to open them here.
  const ways = connections > 1 ? 1 : waysTo(first.facts, link?.addresses);
  const nths = Array.from({ length: ways - 1 }, (_, index) => index + 1);
  await using wide =
    link && nths.length > 0
      ? await connectSpread(to, { link, server: first.facts, nths, first, onLink, signal })
      : null;
  const target = wide ?? first;
  const capacity = source.size;
  if (target.size !== capacity)
    throw new SendenseError('content.mismatch', `${from} has ${capacity} bytes, the target ${to} has ${target.size}`);
  const areas = wholeBlocks(options.areas, capacity);
  const { walked, ...facts } = await indexPages(
    { capacity, indexPath, base, compareWith, store: options.store, signal },
    (onPage, reference) =>
      digestPages({
        client: source,
        file: options.file,
        capacity,
        areas: base === undefined ? undefined : areas,
        map: knownMap(options.allocated, capacity),
        workers: connections - 1,
        requestBytes: options.requestBytes,
        sink: {
          target,
          link,
          onLink,
          rule: write,
          areas,
          expected: async (page) => (await reference?.page(page)) ?? null,
        },
        pace: options.pace,
        paceBytes: options.paceBytes,
        signal,
        onProgress: options.onProgress,
        onPage,
      }),
  );
  return { ...facts, capacity, ...walked };
}

function wholeBlocks(areas: readonly Extent[] | undefined, capacity: number): Extent[] | undefined {
  if (areas === undefined) return undefined;
  assertWithin(areas, capacity);
  return alignTo(areas, blockSize, capacity);
}

function knownMap(allocated: readonly Extent[] | null | undefined, capacity: number): AllocationMap | undefined {
  if (allocated === null || allocated === undefined) return undefined;
  assertWithin(allocated, capacity);
  const data = normalise(allocated);
  return { dataWithin: async (wanted) => intersect(data, wanted) };
}
