import { SendenseError } from '../errors/sendense-error.ts';
import { connectNbd } from '../host/nbd/nbd-client.ts';
import type { IndexFacts } from './block-index.ts';
import { digestPages } from './digest-pages.ts';
import type { Extent } from './extents.ts';
import { indexPages, type IndexStore } from './index-pages.ts';

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
  /** How the index is stored. Default: format 1. */
  readonly store?: IndexStore | undefined;
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
  /** Of what was read, the blocks that are not zeros. */
  readonly bytesData: number;
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
  const { walked, ...facts } = await indexPages(
    { capacity, indexPath, base: options.base, compareWith: options.compareWith, store: options.store, signal },
    (onPage) =>
      digestPages({
        client,
        capacity,
        file: options.file,
        areas: options.areas,
        workers: options.workers,
        signal,
        onProgress: options.onProgress,
        onPage,
      }),
  );
  return { ...facts, capacity, bytesRead: walked.bytesRead, bytesData: walked.bytesData };
}
