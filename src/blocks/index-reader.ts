import type { PageRecord } from './page-records.ts';

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
