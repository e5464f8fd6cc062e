import type { NbdClient } from '../host/nbd/nbd-client.ts';
import { createAllocationMap, type AllocationMap } from './allocation-map.ts';
import { blockSize, digestBytes, pageBlocks, pageSpan } from './block-index-format.ts';
import { createDigestPool } from './digest-pool.ts';
import { alignTo, intersect, subtract, totalLength, type Extent } from './extents.ts';
import { createPacer, type Pace } from './pacer.ts';
import { createPageWriter, noWriter, type PageSink } from './page-sink.ts';
import { pagesOf, tasksOf, wantedAreas } from './page-work.ts';
import { isZeroDigest } from './write-blocks.ts';

export interface DigestPagesOptions {
  /** Connected to the export; finds out where data is, while the workers read through connections of their own. */
  readonly client: NbdClient;
  /** A raw file of the same content, read instead of the export. */
  readonly file?: string | undefined;
  /** Bytes of the export that count. */
  readonly capacity: number;
  /** Only these parts of the disk, grown to whole blocks. Default: all. */
  readonly areas?: readonly Extent[] | undefined;
  /** Where data is, if that is known; else the export is asked. */
  readonly map?: AllocationMap | undefined;
  /** Threads, each with one connection. Default 2; 0: this thread reads over the client's connection. */
  readonly workers?: number | undefined;
  /** Of one read, bytes. Default 1 MiB. */
  readonly requestBytes?: number | undefined;
  /** Let other work of the machine go first. */
  readonly background?: boolean | undefined;
  /** Writes what is read; flushed when this resolves. */
  readonly sink?: PageSink | undefined;
  /** Limits the rate of reading. */
  readonly pace?: Pace | undefined;
  /** Most bytes that `pace` is asked for at a time, a multiple of the block size. */
  readonly paceBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Bytes of the areas: dealt with so far (read, or known to be zeros), in all, and read so far. With a sink once a
   * request, else once a share of work.
   */
  readonly onProgress?: ((bytesDone: number, bytesTotal: number, bytesRead: number) => void) | undefined;
  /**
   * Called for every page of which something was wanted, with those extents (block-aligned) and their digests in a
   * buffer of a whole page; null where all of them are zeros. Calls overlap and come in any order.
   */
  onPage(page: number, wanted: readonly Extent[], digests: Buffer | null): Promise<void>;
}

export interface DigestedPages {
  readonly bytesRead: number;
  /** Of what was read, the blocks that are not zeros. */
  readonly bytesData: number;
  /** Zeros included. */
  readonly bytesWritten: number;
  /** Of what was written, the data: zeros are told, not sent. */
  readonly bytesSent: number;
}

/** Work for a thread at a time: enough to amortise the message, little enough for even shares. */
const taskBytes = 16 * 1024 * 1024;
/** Pages whose digests are being collected: bounds the memory. */
const pagesAtOnce = 6;
/** Shares of work under way where the rate is limited. */
const pacedAtOnce = 8;

/** Reads an export and hashes its blocks, page by page, and writes them where there is a sink. */
export async function digestPages(options: DigestPagesOptions): Promise<DigestedPages> {
  const { client, capacity, sink, onProgress, onPage } = options;
  const ended = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ended.signal]) : ended.signal;
  const pool = createDigestPool({
    source: client,
    uri: client.uri,
    file: options.file,
    target: sink?.target,
    link: sink?.link,
    onLink: sink?.onLink,
    workers: options.workers ?? 2,
    requestBytes: options.requestBytes,
    background: options.background,
    signal: options.signal,
  });
  const paced = options.pace ? createPacer(options.pace, pacedAtOnce, signal) : null;
  const shareBytes = paced === null ? taskBytes : (options.paceBytes ?? taskBytes);
  const map = options.map ?? createAllocationMap(client);
  const areas = wantedAreas(options.areas, capacity);
  const bytesTotal = totalLength(areas);
  let [bytesDone, bytesRead, bytesData, bytesWritten, bytesSent] = [0, 0, 0, 0, 0];
  const advance = (bytes: number, read: boolean): void => {
    bytesDone += bytes;
    if (read) bytesRead += bytes;
    onProgress?.(bytesDone, bytesTotal, bytesRead);
  };

  const collect = async (page: number, wanted: readonly Extent[], data: readonly Extent[]): Promise<void> => {
    const writer = sink ? await createPageWriter(sink, page) : noWriter;
    const digests = data.length === 0 ? null : Buffer.alloc(pageBlocks * digestBytes);
    const place = async (extents: readonly Extent[], write: PageSink['rule'] | undefined): Promise<void> => {
      const length = totalLength(extents);
      let told = 0;
      const onRead = (bytes: number): void => advance((told += bytes) && bytes, true);
      const digest = () => pool.digest(writer.workOf(extents, write), sink ? onRead : undefined);
      const done = await (paced ? paced(length, digest) : digest());
      let taken = 0;
      for (const extent of extents) {
        const count = Math.ceil(extent.length / blockSize) * digestBytes;
        bytesData += dataBytes(done.digests.subarray(taken, taken + count), extent.length);
        const at = ((extent.offset - page * pageSpan) / blockSize) * digestBytes;
        digests?.set(done.digests.subarray(taken, taken + count), at);
        taken += count;
      }
      bytesWritten += done.bytesWritten;
      bytesSent += done.bytesSent;
      if (told < length) advance(length - told, true);
    };
    const zeros = async (): Promise<void> => {
      const written = await writer.writeHoles(subtract(wanted, data));
      bytesWritten += written;
      advance(totalLength(wanted) - totalLength(data), false);
    };
    const shares = writer
      .works(data)
      .flatMap(({ extents, write }) => [...tasksOf(extents, shareBytes)].map((share) => place(share, write)));
    await Promise.all([zeros(), ...shares]);
    await onPage(page, wanted, digests);
  };

  // A page that failed stays in the set, so that the next wait ends with its error.
  const running = new Set<Promise<void>>();
  try {
    for (const { page, wanted, end } of pagesOf(areas)) {
      options.signal?.throwIfAborted();
      const found = await map.dataWithin(wanted, options.areas === undefined ? capacity : end);
      // A block that is partly data is read whole.
      const data = intersect(alignTo(found, blockSize, capacity), wanted);
      const work: Promise<void> = collect(page, wanted, data).then(() => void running.delete(work));
      work.catch(() => undefined);
      running.add(work);
      if (running.size >= pagesAtOnce) await Promise.race(running);
    }
    await Promise.all(running);
    if (sink) await pool.flush();
  } finally {
    ended.abort();
    await pool[Symbol.asyncDispose]();
    await Promise.allSettled(running);
  }
  return { bytesRead, bytesData, bytesWritten, bytesSent };
}

/** Of so many bytes, those in blocks that are not zeros, by their digests. */
function dataBytes(digests: Uint8Array, length: number): number {
  let bytes = 0;
  for (let at = 0, start = 0; start < length; at += digestBytes, start += blockSize)
    if (!isZeroDigest(digests, at)) bytes += Math.min(blockSize, length - start);
  return bytes;
}
