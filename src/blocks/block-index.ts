import type { IndexReader } from './index-reader.ts';
import type { ImageKey } from '../host/images/image-options.ts';
import { blockCountOf, blockSize, digestBytes, pageBlocks, pageKinds } from './block-index-format.ts';
import { openLevels, type OpenLevels } from './index-levels.ts';
import type { Levels } from './levels.ts';
import { createPageReader } from './page-reader.ts';

export { createIndexWriter, type IndexFacts } from './block-index-writer.ts';

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
