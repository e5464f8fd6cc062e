import { hash } from 'node:crypto';
import { SendenseError } from '../errors/sendense-error.ts';
import type { ImageKey } from '../host/image-options.ts';
import { openContent, type FileContent } from '../host/locked-file.ts';
import {
  blockCountOf,
  blockSize,
  decodeFooter,
  decodeHeader,
  digestBytes,
  entryBytes,
  footerBytes,
  headerBytes,
  pageBlocks,
  pageCountOf,
  rootOf,
  storedPageBytes,
  type PageEntry,
} from './block-index-format.ts';

export { createIndexWriter, type IndexFacts } from './block-index-writer.ts';

/** Random access to a block index. What it returns has been checked against the root. */
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
  /** 32 bytes; equal for pages of equal content. */
  pageDigest(page: number): Buffer;
  /** `pageBlocks` digests of 32 bytes, a copy of the caller's own, zeros past the last block; null for a page of zeros. */
  page(page: number): Promise<Buffer | null>;
  /** 32 bytes, zeros for a block of zeros. */
  blockDigest(block: number): Promise<Buffer>;
}

export interface OpenIndexOptions {
  /** Read and check every page now, not only when it is asked for. */
  readonly verify?: boolean;
  /** For one that is encrypted at rest (docs/encryption.md). */
  readonly key?: ImageKey | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Throws `repository.damaged` for a file that is damaged, cut off or no block index; `file.unreadable` for none; `repository.key`. */
export async function openIndex(path: string, options: OpenIndexOptions = {}): Promise<IndexReader> {
  const file = await openFile(path, options.key ?? null);
  try {
    const reader = await readerOf(path, file);
    for (let page = 0; options.verify && page < reader.pageCount; page++) {
      options.signal?.throwIfAborted();
      await reader.page(page);
    }
    return reader;
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

async function openFile(path: string, key: ImageKey | null): Promise<FileContent> {
  try {
    return await openContent(path, key);
  } catch (cause) {
    if (cause instanceof SendenseError) throw cause;
    const why = (cause as Error).message;
    throw new SendenseError('file.unreadable', `The block index ${path} cannot be opened: ${why}`, { cause });
  }
}

async function readerOf(path: string, file: FileContent): Promise<IndexReader> {
  const damaged = (what: string, cause?: unknown): SendenseError =>
    new SendenseError('repository.damaged', `The block index ${path} cannot be used: ${what}`, { cause });

  const read = async (position: number, length: number): Promise<Buffer> => {
    const data = Buffer.alloc(length);
    if ((await file.read(data, position)) < length) throw damaged('it is cut off');
    return data;
  };

  const fileBytes = file.size;
  if (fileBytes < headerBytes + footerBytes) throw damaged(`it has only ${fileBytes} bytes`);
  const { capacity, root } = await decode(read, fileBytes).catch((cause: Error) => {
    if (cause instanceof SendenseError) throw cause;
    if (!file.encrypted) throw damaged(cause.message, cause);
    throw damaged(`${cause.message}, or its key is not the one`, cause);
  });
  const pageCount = pageCountOf(capacity);
  const blockCount = blockCountOf(capacity);
  const tablePosition = fileBytes - footerBytes - pageCount * entryBytes;
  if (tablePosition < headerBytes) throw damaged('it is too short for its capacity');
  const entries = decodeTable(await read(tablePosition, pageCount * entryBytes));
  if (rootOf(capacity, entries) !== root) throw damaged('its page table does not match its root digest');

  const entryOf = (page: number): PageEntry => {
    const entry = entries[page];
    if (entry === undefined) throw new RangeError(`page ${page} of ${path}, which has ${pageCount}`);
    return entry;
  };
  const page = async (number: number): Promise<Buffer | null> => {
    const { position, digest } = entryOf(number);
    if (digest.equals(noDigest)) {
      if (position !== 0) throw damaged(`page ${number} has a place but no digest`);
      return null;
    }
    const length = storedPageBytes(capacity, number);
    if (position < headerBytes || position + length > tablePosition) throw damaged(`page ${number} is not within it`);
    const stored = await read(position, length);
    if (!hash('sha256', stored, 'buffer').equals(digest)) throw damaged(`page ${number} does not match its digest`);
    const full = pageBlocks * digestBytes;
    return length === full ? stored : Buffer.concat([stored], full);
  };
  let last: { readonly number: number; readonly data: Buffer | null } | null = null;

  return {
    path,
    capacity,
    blockSize,
    blockCount,
    pageBlocks,
    pageCount,
    root,
    pageDigest: (number) => entryOf(number).digest,
    page,
    async blockDigest(block) {
      if (!Number.isInteger(block) || block < 0 || block >= blockCount) {
        throw new RangeError(`block ${block} of ${path}, which has ${blockCount}`);
      }
      const number = Math.floor(block / pageBlocks);
      if (last?.number !== number) last = { number, data: await page(number) };
      const at = (block % pageBlocks) * digestBytes;
      return last.data === null ? Buffer.alloc(digestBytes) : Buffer.from(last.data.subarray(at, at + digestBytes));
    },
    async [Symbol.asyncDispose]() {
      await file[Symbol.asyncDispose]();
    },
  };
}

type Read = (position: number, length: number) => Promise<Buffer>;

async function decode(read: Read, fileBytes: number): Promise<{ capacity: number; root: string }> {
  const capacity = decodeHeader(await read(0, headerBytes));
  return { capacity, root: decodeFooter(await read(fileBytes - footerBytes, footerBytes), fileBytes) };
}

function decodeTable(table: Buffer): PageEntry[] {
  const entries: PageEntry[] = [];
  for (let at = 0; at < table.length; at += entryBytes) {
    const position = Number(table.readBigUInt64BE(at));
    entries.push({ position, digest: table.subarray(at + 8, at + entryBytes) });
  }
  return entries;
}

const noDigest = Buffer.alloc(digestBytes);
