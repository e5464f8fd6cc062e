import type { OwnData } from '../host/images/qemu-map.ts';
import { blockSize, digestBytes, pageBlocks, pageSpan } from './block-index-format.ts';
import type { IndexReader } from './index-reader.ts';
import type { DigestLanes } from './digest-lanes.ts';
import { createDigestPool, type DigestPool } from './digest-pool.ts';
import { totalLength, type Extent } from './extents.ts';
import type { GuestBlocks } from './guest-blocks.ts';
import { createPacer, type Pace } from './pacer.ts';
import { openRawFile } from './raw-file.ts';

export interface CompareStoredOptions {
  /** The qcow2, absolute path. */
  readonly file: string;
  /** What it holds as the guest has it. */
  readonly blocks: GuestBlocks;
  readonly index: IndexReader;
  /** Threads that work is given to, and what they were made with counts. Default: ones of its own. */
  readonly pool?: DigestLanes | undefined;
  /** Threads. Default 2. */
  readonly workers?: number | undefined;
  /** Let other work of the machine go first. */
  readonly background?: boolean;
  readonly pace?: Pace | undefined;
  /** Most bytes that `pace` is asked for at a time. */
  readonly paceBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of bytes that were compared. */
  readonly onRead?: ((bytes: number) => void) | undefined;
}

const taskBytes = 16 * 1024 * 1024;
const taskExtents = 256;
const pagesAtOnce = 4;
const pacedAtOnce = 8;

/**
 * Reads the blocks that one file of a chain holds, in the order of the file as far as it goes, and compares them with the block index.
 * @returns the first block that differs, bytes of the guest's disk; null: none does
 * @throws SendenseError `repository.damaged` for the index, `source.changed` where the file ends too early
 */
export async function compareStored(options: CompareStoredOptions): Promise<Extent | null> {
  const { file, index, signal } = options;
  const ended = new AbortController();
  const both = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
  await using source = await openRawFile(file);
  const { workers = 2, background } = options;
  await using pool = options.pool
    ? lent(options.pool, file)
    : ownThreads({ source, uri: file, file, workers, background, signal }, options.blocks);
  const read = reader(pool, options, both);
  let first: Extent | null = null;
  const differs = (offset: number): void => {
    if (first === null || offset < first.offset)
      first = { offset, length: Math.min(blockSize, index.capacity - offset) };
  };
  const running = new Set<Promise<void>>();
  try {
    for (const [page, pieces] of byPage(options.blocks, index.capacity)) {
      signal?.throwIfAborted();
      if (first !== null) break;
      const expected = (await index.page(page)) ?? zeroPage;
      const work: Promise<void> = comparePage(read, pieces, page, expected, differs).then(
        () => void running.delete(work),
      );
      work.catch(() => undefined);
      running.add(work);
      if (running.size >= pagesAtOnce) await Promise.race(running);
    }
    await Promise.all(running);
  } finally {
    ended.abort();
    await Promise.allSettled(running);
  }
  return first ?? (await dirtyTail(source, options.blocks, index.capacity));
}

const zeroPage = Buffer.alloc(pageBlocks * digestBytes);

type Read = (extents: readonly OwnData[]) => Promise<Uint8Array>;

/** All that will be read is known: the threads start at once, and this one needs no buffers. */
function ownThreads(options: Parameters<typeof createDigestPool>[0], { extents }: GuestBlocks): DigestPool {
  const pool = createDigestPool(options);
  pool.expect(extents.reduce((sum, { length }) => sum + length, 0));
  return pool;
}

/** Reads this file with threads that stay. */
const lent = (pool: DigestLanes, file: string): DigestLanes & AsyncDisposable => ({
  digest: (work, onProgress) => pool.digest({ ...work, file }, onProgress),
  [Symbol.asyncDispose]: async () => undefined,
});

function reader(pool: DigestLanes, { pace, onRead }: CompareStoredOptions, signal: AbortSignal): Read {
  const paced = pace ? createPacer(pace, pacedAtOnce, signal) : null;
  return async (pieces) => {
    const extents = joined(pieces);
    const bytes = totalLength(extents);
    const digest = () => pool.digest({ extents });
    const { digests } = await (paced ? paced(bytes, digest) : digest());
    onRead?.(bytes);
    return digests;
  };
}

/** Where they are in the file; what lies in one line there is read in one go, however it is spread over the guest's disk. */
function joined(pieces: readonly OwnData[]): Extent[] {
  const extents: { offset: number; length: number }[] = [];
  for (const { host, length } of pieces) {
    const last = extents.at(-1);
    // Behind the last block of the disk, which may be a short one, a new block begins.
    if (last && last.offset + last.length === host && last.length % blockSize === 0) last.length += length;
    else extents.push({ offset: host, length });
  }
  return extents;
}

async function comparePage(
  read: Read,
  pieces: readonly OwnData[],
  page: number,
  expected: Buffer,
  differs: (offset: number) => void,
): Promise<void> {
  const compare = async (share: readonly OwnData[]): Promise<void> => {
    const digests = await read(share);
    let at = 0;
    for (const { guest, length } of share) {
      const place = ((guest - page * pageSpan) / blockSize) * digestBytes;
      const bytes = Math.ceil(length / blockSize) * digestBytes;
      for (let done = 0; done < bytes; done += digestBytes) {
        const from = place + done;
        if (expected.compare(digests, at + done, at + done + digestBytes, from, from + digestBytes) !== 0)
          differs(guest + (done / digestBytes) * blockSize);
      }
      at += bytes;
    }
  };
  await Promise.all([...shares(pieces)].map(compare));
}

/** In the order of the file, cut and bundled. */
function* shares(pieces: readonly OwnData[]): Generator<OwnData[]> {
  let share: OwnData[] = [];
  let bytes = 0;
  for (const { guest, host, length } of pieces.toSorted((a, b) => a.host - b.host)) {
    for (let done = 0; done < length;) {
      const part = Math.min(length - done, taskBytes - bytes);
      share.push({ guest: guest + done, host: host + done, length: part });
      done += part;
      bytes += part;
      if (bytes < taskBytes && share.length < taskExtents) continue;
      yield share;
      [share, bytes] = [[], 0];
    }
  }
  if (share.length > 0) yield share;
}

/** Cut at the borders of the index's pages and where the disk ends. */
function* byPage({ extents }: GuestBlocks, capacity: number): Generator<[number, OwnData[]]> {
  let page = 0;
  let pieces: OwnData[] = [];
  for (const extent of extents) {
    const end = Math.min(extent.guest + extent.length, capacity);
    for (let guest = extent.guest; guest < end;) {
      const its = Math.floor(guest / pageSpan);
      if (its !== page && pieces.length > 0) {
        yield [page, pieces];
        pieces = [];
      }
      page = its;
      const reach = Math.min((page + 1) * pageSpan, end);
      pieces.push({ guest, host: extent.host + guest - extent.guest, length: reach - guest });
      guest = reach;
    }
  }
  if (pieces.length > 0) yield [page, pieces];
}

/** Images are sized in sectors: what fills the last one up is zeros. */
async function dirtyTail(
  source: { read(offset: number, target: Uint8Array): Promise<void> },
  { extents, virtualSize }: GuestBlocks,
  capacity: number,
): Promise<Extent | null> {
  const last = extents.at(-1);
  if (virtualSize <= capacity || !last || last.guest + last.length <= capacity) return null;
  const tail = Buffer.alloc(last.guest + last.length - capacity);
  await source.read(last.host + capacity - last.guest, tail);
  return tail.every((byte) => byte === 0) ? null : { offset: capacity, length: tail.length };
}
