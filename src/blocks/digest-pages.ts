import { blockSize, digestBytes, pageBlocks, pageSpan } from './block-index-format.ts';
import { createAllocationMap } from './allocation-map.ts';
import { createDigestPool } from './digest-pool.ts';
import { alignTo, assertWithin, intersect, totalLength, type Extent } from './extents.ts';
import type { NbdClient } from '../host/nbd-client.ts';

export interface DigestPagesOptions {
  /** Connected to the export; finds out where data is, while the workers read through connections of their own. */
  readonly client: NbdClient;
  /** A raw file of the same content, read instead of the export. */
  readonly file?: string | undefined;
  /** Bytes of the export that count. */
  readonly capacity: number;
  /** Only these parts of the disk, grown to whole blocks. Default: all. */
  readonly areas?: readonly Extent[] | undefined;
  /** Threads, each with one connection. Default 2. */
  readonly workers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the areas: dealt with so far (read, or known to be zeros), and in all. */
  readonly onProgress?: ((bytesDone: number, bytesTotal: number) => void) | undefined;
  /**
   * Called for every page of which something was wanted, with those extents (block-aligned) and their digests in a
   * buffer of a whole page; null where all of them are zeros. Calls overlap and come in any order.
   */
  onPage(page: number, wanted: readonly Extent[], digests: Buffer | null): Promise<void>;
}

/** Work for a thread at a time: enough to amortise the message, little enough for even shares. */
const taskBytes = 16 * 1024 * 1024;
const taskExtents = 256;
/** Pages whose digests are being collected: bounds the memory. */
const pagesAtOnce = 6;

/** Reads an export and hashes its blocks, page by page. Resolves to the bytes that were read. */
export async function digestPages(options: DigestPagesOptions): Promise<number> {
  const { client, capacity, signal, onProgress, onPage } = options;
  const pool = createDigestPool({
    source: client,
    uri: client.uri,
    file: options.file,
    workers: Math.max(1, options.workers ?? 2),
    signal,
  });
  const map = createAllocationMap(client);
  const areas = wantedAreas(options.areas, capacity);
  const bytesTotal = totalLength(areas);
  let bytesDone = 0;
  let bytesRead = 0;
  const advance = (bytes: number): void => {
    bytesDone += bytes;
    onProgress?.(bytesDone, bytesTotal);
  };

  const collect = async (page: number, wanted: readonly Extent[], data: readonly Extent[]): Promise<void> => {
    const digests = data.length === 0 ? null : Buffer.alloc(pageBlocks * digestBytes);
    const bytes = totalLength(data);
    advance(totalLength(wanted) - bytes);
    const place = async (extents: readonly Extent[]): Promise<void> => {
      const found = await pool.digest(extents);
      let taken = 0;
      for (const { offset, length } of extents) {
        const count = Math.ceil(length / blockSize) * digestBytes;
        digests?.set(found.subarray(taken, taken + count), ((offset - page * pageSpan) / blockSize) * digestBytes);
        taken += count;
      }
      advance(totalLength(extents));
    };
    await Promise.all([...tasksOf(data)].map(place));
    bytesRead += bytes;
    await onPage(page, wanted, digests);
  };

  // A page that failed stays in the set, so that the next wait ends with its error.
  const running = new Set<Promise<void>>();
  try {
    for (const { page, wanted, end } of pagesOf(areas)) {
      signal?.throwIfAborted();
      const found = await map.dataWithin(wanted, options.areas === undefined ? capacity : end);
      // A block that is partly data is read whole.
      const data = intersect(alignTo(found, blockSize, capacity), wanted);
      const work: Promise<void> = collect(page, wanted, data).then(() => void running.delete(work));
      work.catch(() => undefined);
      running.add(work);
      if (running.size >= pagesAtOnce) await Promise.race(running);
    }
    await Promise.all(running);
  } finally {
    await pool[Symbol.asyncDispose]();
    await Promise.allSettled(running);
  }
  return bytesRead;
}

function wantedAreas(areas: readonly Extent[] | undefined, capacity: number): Extent[] {
  if (areas === undefined) return capacity === 0 ? [] : [{ offset: 0, length: capacity }];
  assertWithin(areas, capacity);
  return alignTo(areas, blockSize, capacity);
}

interface PageWork {
  readonly page: number;
  /** What of the page is wanted. */
  readonly wanted: readonly Extent[];
  /** Where that ends. */
  readonly end: number;
}

/** The pages that the areas touch. */
function* pagesOf(areas: readonly Extent[]): Generator<PageWork> {
  let [page, end] = [0, 0];
  let wanted: Extent[] = [];
  for (const area of areas) {
    const areaEnd = area.offset + area.length;
    for (let offset = area.offset; offset < areaEnd; offset = end) {
      const its = Math.floor(offset / pageSpan);
      if (its !== page && wanted.length > 0) {
        yield { page, wanted, end };
        wanted = [];
      }
      page = its;
      end = Math.min((page + 1) * pageSpan, areaEnd);
      wanted.push({ offset, length: end - offset });
    }
  }
  if (wanted.length > 0) yield { page, wanted, end };
}

/** Extents cut and bundled into shares of work. */
function* tasksOf(extents: readonly Extent[]): Generator<Extent[]> {
  let task: Extent[] = [];
  let bytes = 0;
  for (const extent of extents) {
    for (let done = 0; done < extent.length;) {
      const length = Math.min(extent.length - done, taskBytes - bytes);
      task.push({ offset: extent.offset + done, length });
      done += length;
      bytes += length;
      if (bytes < taskBytes && task.length < taskExtents) continue;
      yield task;
      [task, bytes] = [[], 0];
    }
  }
  if (task.length > 0) yield task;
}
