import { SendenseError } from '../errors/sendense-error.ts';
import { blockSize, digestBytes, pageBlocks, pageSpan, type IndexFormat } from './block-index-format.ts';
import { createIndexWriter, openIndex, type IndexFacts } from './block-index.ts';
import type { IndexReader } from './index-reader.ts';
import { createBlockSet, type BlockSet } from './block-set.ts';
import type { DigestPagesOptions } from './digest-pages.ts';
import type { Extent } from './extents.ts';
import { alone, type IndexForm } from './index-form.ts';
import { runsThatDiffer } from './page-records.ts';

/** How the index is stored that is written. */
export interface IndexStore {
  readonly format: IndexFormat;
  /**
   * Backup id of the restore point whose content `compareWith`, else `base`, is: its index will lie beside the new one, which takes
   * over what is the same there. Null: the new one stands alone.
   */
  readonly parent: string | null;
}

export interface IndexPagesOptions {
  /** Bytes. */
  readonly capacity: number;
  /** Where the index is written: a temporary name of the caller's. Removed again when this fails. */
  readonly indexPath: string;
  /** Index of an earlier state: `changed` tells what differs from it. */
  readonly compareWith?: string | undefined;
  /** Index of an earlier state from which every digest that the walk does not name is taken over. */
  readonly base?: string | undefined;
  readonly store?: IndexStore | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface IndexedPages<T> extends IndexFacts {
  /** Whole blocks (the last clipped at the capacity) that differ from `compareWith`, else `base`; null without either. */
  readonly changed: Extent[] | null;
  readonly walked: T;
}

/**
 * Writes the block index of what a walk over the pages of a disk finds; it also gets the index to compare with.
 * @throws SendenseError `repository.damaged` (an index given), `content.mismatch` (capacities differ)
 */
export async function indexPages<T>(
  options: IndexPagesOptions,
  walk: (onPage: DigestPagesOptions['onPage'], reference: IndexReader | null) => Promise<T>,
): Promise<IndexedPages<T>> {
  const { capacity, indexPath, signal } = options;
  await using base = await openFor(options.base, capacity);
  await using parent = await openFor(options.compareWith, capacity);
  const reference = parent ?? base;
  const changed = reference === null ? null : createBlockSet(capacity);
  const form = formOf(options.store, reference);
  await using writer = await createIndexWriter(indexPath, { capacity, form });

  const publish = async (page: number, digests: Buffer): Promise<void> => {
    if (reference !== null && changed !== null) await addDifferences(changed, page, digests, reference);
    await writer.writePage(page, digests);
  };
  const untouched = new Set(Array(base === null ? 0 : base.pageCount).keys());

  const walked = await walk(async (page, wanted, found) => {
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
  }, reference);
  for (const page of untouched) {
    signal?.throwIfAborted();
    if (form.parent && isSame(base, reference, page)) {
      writer.takeOver(page);
      continue;
    }
    const digests = (await base?.page(page)) ?? null;
    if (digests !== null || parent !== null) await publish(page, digests ?? Buffer.alloc(pageBlocks * digestBytes));
  }
  const facts = await writer.finish();
  return { ...facts, changed: changed === null ? null : [...changed.extents()], walked };
}

function formOf(store: IndexStore | undefined, reference: IndexReader | null): IndexForm {
  const { format, parent } = store ?? { format: 1, parent: null };
  return format === 1 || parent === null || reference === null
    ? alone(format)
    : { format, parent: { name: parent, index: reference } };
}

const isSame = (one: IndexReader | null, other: IndexReader | null, page: number): boolean =>
  one !== null && other !== null && (one === other || one.pageDigest(page).equals(other.pageDigest(page)));

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
async function addDifferences(set: BlockSet, page: number, digests: Buffer, reference: IndexReader): Promise<void> {
  const other = (await reference.page(page)) ?? zeros;
  for (const { first, count } of runsThatDiffer(digests, other))
    for (let block = first; block < first + count; block++) set.add(page * pageBlocks + block);
}
