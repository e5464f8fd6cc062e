import { SendenseError } from '../errors/sendense-error.ts';
import type { ImageKey } from '../host/images/image-options.ts';
import { connectNbd, type NbdClient } from '../host/nbd/nbd-client.ts';
import { blockSize, digestBytes, pageBlocks, pageSpan } from './block-index-format.ts';
import { openIndex } from './block-index.ts';
import { createBlockSet } from './block-set.ts';
import { digestPages } from './digest-pages.ts';
import type { Extent } from './extents.ts';
import type { Pace } from './pacer.ts';

export interface CompareExportOptions {
  /** The export to read; its server must take `workers` + 1 connections. */
  readonly uri: string;
  /**
   * A raw image or block device of this host that the export shows as it is: data is read from it directly, which is
   * faster; the export then only tells where data is.
   */
  readonly file?: string | undefined;
  readonly indexPath: string;
  /** Of an index that is encrypted. */
  readonly indexKey?: ImageKey | null | undefined;
  /** Only these parts, bytes, grown to whole blocks. Default: the whole disk. */
  readonly areas?: readonly Extent[];
  /** How many differences are listed. Default 1000. */
  readonly most?: number;
  /** Threads. Default 2. */
  readonly workers?: number;
  /** Let other work of the machine go first. */
  readonly background?: boolean | undefined;
  /** Limits the rate of reading. */
  readonly pace?: Pace | undefined;
  /** Most bytes that `pace` is asked for at a time. */
  readonly paceBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

export interface CompareExportResult {
  /** Bytes of which is known that they are right or not, holes included. */
  readonly comparedBytes: number;
  /** Whole blocks that differ, merged; the first ones. */
  readonly mismatches: Extent[];
  /** How many there are in all. */
  readonly mismatchCount: number;
}

const listed = 1000;
/** Images are sized in sectors: one may be longer than its disk by less than this. */
const sectorBytes = 512;

/**
 * Compares what an export shows with a block index.
 * @throws SendenseError `content.mismatch` (sizes differ), `nbd.lost`, `repository.damaged` (the index)
 */
export async function compareExport(options: CompareExportOptions): Promise<CompareExportResult> {
  const { uri, indexPath, signal, most = listed } = options;
  await using index = await openIndex(indexPath, { key: options.indexKey });
  await using client = await connectNbd(uri, { signal });
  const { capacity } = index;
  if (client.size < capacity || client.size >= capacity + sectorBytes) {
    throw new SendenseError(
      'content.mismatch',
      `The export ${uri} has ${client.size} bytes, the block index ${indexPath} is of ${capacity} bytes`,
    );
  }
  const wrong = createBlockSet(capacity);
  let comparedBytes = 0;

  await digestPages({
    client,
    capacity,
    file: options.file,
    areas: options.areas,
    workers: options.workers,
    background: options.background,
    pace: options.pace,
    paceBytes: options.paceBytes,
    signal,
    onProgress: options.onProgress,
    async onPage(page, wanted, found) {
      const expected = (await index.page(page)) ?? zeros;
      const digests = found ?? zeros;
      for (const { offset, length } of wanted) {
        comparedBytes += length;
        const start = ((offset - page * pageSpan) / blockSize) * digestBytes;
        const end = start + Math.ceil(length / blockSize) * digestBytes;
        if (digests.compare(expected, start, end, start, end) === 0) continue;
        for (let at = start; at < end; at += digestBytes) {
          if (digests.compare(expected, at, at + digestBytes, at, at + digestBytes) === 0) continue;
          wrong.add(page * pageBlocks + at / digestBytes);
        }
      }
    },
  });

  const mismatches: Extent[] = [];
  let mismatchCount = 0;
  const add = (extent: Extent): void => {
    if (++mismatchCount <= most) mismatches.push(extent);
  };
  for (const extent of wrong.extents()) add(extent);
  if (!(await isZeroTail(client, capacity))) add({ offset: capacity, length: client.size - capacity });
  return { comparedBytes, mismatches, mismatchCount };
}

const zeros = Buffer.alloc(pageBlocks * digestBytes);

async function isZeroTail(client: NbdClient, capacity: number): Promise<boolean> {
  const start = Math.floor(capacity / sectorBytes) * sectorBytes;
  if (client.size === capacity) return true;
  // From the start of the sector: servers refuse reads that begin within one.
  const tail = Buffer.alloc(client.size - start);
  await client.read(start, tail);
  return tail.subarray(capacity - start).every((byte) => byte === 0);
}
