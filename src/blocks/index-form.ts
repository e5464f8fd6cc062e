import { pageKinds, type IndexFormat, type IndexHeader } from './block-index-format.ts';
import type { IndexReader } from './index-reader.ts';
import { encodeRecord, type PageRecord } from './page-records.ts';

/** How an index is stored, which says nothing of its content. */
export interface IndexForm {
  readonly format: IndexFormat;
  /** Pages that are the same there are not stored again; null: the index stands alone. Needs format 2. */
  readonly parent: {
    /** Backup id of the restore point: the file `<name>.index` beside the one that is written. */
    readonly name: string;
    readonly index: IndexReader;
  } | null;
}

export const alone = (format: IndexFormat): IndexForm => ({ format, parent: null });

export function formHeader({ format, parent }: IndexForm, capacity: number): IndexHeader {
  if (parent === null) return { format, capacity, parent };
  const { name, index } = parent;
  if (format === 1 || index.capacity !== capacity)
    throw new RangeError(`an index of format ${format} and ${capacity} bytes cannot be built on ${index.path}`);
  return { format, capacity, parent: { name, root: index.root } };
}

/** @param below the page in the parent's index; null: it has zeros there, or there is no parent */
export const recordIn = ({ format }: IndexForm, digests: Buffer, below: Buffer | null): PageRecord =>
  format === 1 ? { kind: pageKinds.dense, data: digests } : encodeRecord(digests, below);
