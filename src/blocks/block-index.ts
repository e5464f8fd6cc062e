import type { ImageKey } from '../host/image-options.ts';
import { blockCountOf, blockSize, digestBytes, pageBlocks, pageKinds } from './block-index-format.ts';
import { openLevels, type Levels, type OpenLevels } from './index-levels.ts';
import type { PageRecord } from './page-records.ts';
import { createPageReader } from './page-reader.ts';

export { createIndexWriter, type IndexFacts } from './block-index-writer.ts';

/** Random access to a block index, whatever it is built on. What it returns has been checked against the root. */
export interface IndexReader extends AsyncDisposable {
  readonly path: string;
  /** Of the disk, bytes. */
  readonly capacity: number;
  readonly blockSize: number;
  readonly blockCount: number;
  readonly pageBlocks: number;
  readonly pageCount: number;
  /** 'sha256:<hex>' */
  readonly root: string;
  /** Its own file and those that it is built on, in that order: by which name each refers to the next. */
  readonly levels: readonly IndexLevel[];
  /** 32 bytes; equal for pages of equal content. */
  pageDigest(page: number): Buffer;
  /** `pageBlocks` digests of 32 bytes, a copy of the caller's own, zeros past the last block; null for a page of zeros. */
  page(page: number): Promise<Buffer | null>;
  /** As a file has it, where that needs no other file; null: it does, or the page is one of zeros. Its content is not checked. */
  storedPage(page: number): Promise<PageRecord | null>;
  /** 32 bytes, zeros for a block of zeros. */
  blockDigest(block: number): Promise<Buffer>;
}

export interface IndexLevel {
  readonly path: string;
  readonly format: number;
  /** Backup id of the restore point whose index it is built on; null: it stands alone. */
  readonly parent: string | null;
}

export interface OpenIndexOptions extends OpenLevels {
  /**
   * Pages that are read and checked now, not only when they are asked for. all: every one, in whatever file it is. own: what its own
   * file holds; where those below are sound, all of it is. Default: none.
   */
  readonly verify?: 'all' | 'own';
  /** For one that is encrypted at rest (docs/encryption.md). */
  readonly key?: ImageKey | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What stays open keeps the pages that were read last. */
const readers = new WeakMap<Levels, ReturnType<typeof createPageReader>>();

function readerOf(files: Levels): ReturnType<typeof createPageReader> {
  const reader = readers.get(files) ?? createPageReader(files);
  readers.set(files, reader);
  return reader;
}

/**
 * Opens a block index with all that it is built on, which lie beside it.
 * @throws SendenseError `repository.damaged` where one of them is damaged, cut off, missing or another; `file.unreadable` where there
 * is none at all; `repository.key`
 */
export async function openIndex(path: string, options: OpenIndexOptions = {}): Promise<IndexReader> {
  await using stack = new AsyncDisposableStack();
  const files = await openLevels(path, options.key ?? null, options);
  if (!options.shelf) for (const file of files) stack.use(file);
  const [own] = files;
  const { capacity } = own.header;
  const blockCount = blockCountOf(capacity);
  const read = readerOf(files);
  for (let page = 0; options.verify && page < own.pageCount; page++) {
    options.signal?.throwIfAborted();
    if (options.verify === 'all' || own.place(page).length > 0) await read(page);
  }
  const kept = stack.move();
  return {
    path,
    capacity,
    blockSize,
    blockCount,
    pageBlocks,
    pageCount: own.pageCount,
    root: own.root,
    levels: files.map((file) => ({
      path: file.path,
      format: file.header.format,
      parent: file.header.parent?.name ?? null,
    })),
    pageDigest: (page) => own.digest(page),
    page: read,
    async storedPage(page) {
      const file = files.find((candidate) => candidate.place(page).kind !== pageKinds.same);
      const place = file?.place(page);
      if (!file || !place || (place.kind !== pageKinds.dense && place.kind !== pageKinds.runs)) return null;
      return { kind: place.kind, data: await file.record(place) };
    },
    async blockDigest(block) {
      if (!Number.isInteger(block) || block < 0 || block >= blockCount) {
        throw new RangeError(`block ${block} of ${path}, which has ${blockCount}`);
      }
      const page = await read(Math.floor(block / pageBlocks));
      const at = (block % pageBlocks) * digestBytes;
      return page === null ? Buffer.alloc(digestBytes) : Buffer.from(page.subarray(at, at + digestBytes));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
