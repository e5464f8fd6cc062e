import { SendenseError } from '../errors/sendense-error.ts';
import { connectNbd } from '../host/nbd-client.ts';
import { blockSize, digestBytes, pageBlocks, pageSpan } from './block-index-format.ts';
import { createIndexWriter, openIndex, type IndexFacts, type IndexReader } from './block-index.ts';
import { createBlockSet, type BlockSet } from './block-set.ts';
import { digestPages } from './digest-pages.ts';
import type { Extent } from './extents.ts';

export interface DigestExportOptions {
  /** The export to read; its server must take `workers` + 1 connections. */
  readonly uri: string;
  /**
   * A raw image or block device of this host that the export shows as it is: data is read from it directly, which is
   * faster; the export then only tells where data is.
   */
  readonly file?: string | undefined;
  /** Where the index is written: a temporary name of the caller's. Removed again when this fails. */
  readonly indexPath: string;
  /** Index of an earlier state: `changed` tells what differs from it. Its capacity must be the export's. */
  readonly compareWith?: string;
  /** Index of an earlier state from which every digest outside `areas` is taken over. */
  readonly base?: string;
  /** With `base`: what may have changed since, bytes. Grown to whole blocks, and only these are read. */
  readonly areas?: readonly Extent[];
  /** Threads. Default 2. */
  readonly workers?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

export interface DigestExportResult extends IndexFacts {
  /** Bytes. */
  readonly capacity: number;
  /** Whole blocks (the last clipped at the capacity) that differ from `compareWith`, else `base`; null without either. */
  readonly changed: Extent[] | null;
  /** Holes are known, not read. */
  readonly bytesRead: number;
}

/**
 * Writes the block index of what an export shows.
 * @throws SendenseError `nbd.lost`, `repository.damaged` (an index given), `content.mismatch` (capacities differ)
 */
export async function digestExport(options: DigestExportOptions): Promise<DigestExportResult> {
  const { uri, indexPath, signal } = options;
  if ((options.base === undefined) !== (options.areas === undefined)) {
    throw new SendenseError('run.internal', 'digestExport takes `base` and `areas` together or neither');
  }
  await using client = await connectNbd(uri, { signal });
  const capacity = client.size;
  await using base = await openFor(options.base, capacity);
  await using parent = await openFor(options.compareWith, capacity);
  const reference = parent ?? base;
  const changed = reference === null ? null : createBlockSet(capacity);
  await using writer = await createIndexWriter(indexPath, { capacity });

  const publish = async (page: number, digests: Buffer): Promise<void> => {
    if (reference !== null && changed !== null) await addDifferences(changed, page, digests, reference);
    await writer.writePage(page, digests);
  };
  const untouched = new Set(Array(base === null ? 0 : base.pageCount).keys());

  const bytesRead = await digestPages({
    client,
    capacity,
    file: options.file,
    areas: options.areas,
    workers: options.workers,
    signal,
    onProgress: options.onProgress,
    async onPage(page, wanted, found) {
      untouched.delete(page);
      // The usual case on a big empty disk.
      if (found === null && base === null && !(await reference?.page(page))) return;
      if (base === null && found !== null) return publish(page, found);
      const digests = (await base?.page(page)) ?? Buffer.alloc(pageBlocks * digestBytes);
      for (const { offset, length } of wanted) {
        const start = ((offset - page * pageSpan) / blockSize) * digestBytes;
        const end = start + Math.ceil(length / blockSize) * digestBytes;
        if (found === null) digests.fill(0, start, end);
        else found.copy(digests, start, start, end);
      }
      await publish(page, digests);
    },
  });
  for (const page of untouched) {
    signal?.throwIfAborted();
    const digests = (await base?.page(page)) ?? null;
    if (digests !== null || parent !== null) await publish(page, digests ?? Buffer.alloc(pageBlocks * digestBytes));
  }
  const facts = await writer.finish();
  return { ...facts, capacity, changed: changed === null ? null : [...changed.extents()], bytesRead };
}

async function openFor(path: string | undefined, capacity: number): Promise<IndexReader | null> {
  if (path === undefined) return null;
  const index = await openIndex(path);
  if (index.capacity === capacity) return index;
  await index[Symbol.asyncDispose]();
  throw new SendenseError(
    'content.mismatch',
    `The block index ${path} is of a disk of ${index.capacity} bytes, the export has ${capacity} bytes`,
  );
}

const zeros = Buffer.alloc(pageBlocks * digestBytes);

/** Adds the blocks of a page whose digests are not those of the reference. */
export async function addDifferences(
  set: BlockSet,
  page: number,
  digests: Buffer,
  reference: IndexReader,
): Promise<void> {
  const other = (await reference.page(page)) ?? zeros;
  if (other.equals(digests)) return;
  for (let at = 0; at < digests.length; at += digestBytes) {
    if (digests.compare(other, at, at + digestBytes, at, at + digestBytes) !== 0) {
      set.add(page * pageBlocks + at / digestBytes);
    }
  }
}
