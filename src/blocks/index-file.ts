import { lstatSync } from 'node:fs';
import { SendenseError } from '../errors/sendense-error.ts';
import type { ImageKey } from '../host/images/image-options.ts';
import { openContent, type FileContent } from '../host/images/locked-file.ts';
import {
  decodeFooter,
  decodeHeader,
  decodeTable,
  digestBytes,
  entryBytes,
  footerBytes,
  headerBytes,
  isZeroAt,
  kindOf,
  lengthOf,
  mostIndexBytes,
  pageCountOf,
  pageKinds,
  rootOf,
  storedPageBytes,
  type IndexHeader,
  type PageEntry,
  type PageKind,
  type PageTable,
} from './block-index-format.ts';

/** Where a page is stored. */
export type PagePlace = Omit<PageEntry, 'digest'>;

/** One file of a block index, without those that it is built on. */
export interface IndexFile extends AsyncDisposable {
  readonly path: string;
  readonly header: IndexHeader;
  readonly pageCount: number;
  /** 'sha256:<hex>' */
  readonly root: string;
  /** Tells this file from another that takes its name. */
  readonly version: string;
  place(page: number): PagePlace;
  /** As the page table has it. Only until `forget` is called. */
  digest(page: number): Buffer;
  /** The same, read again. */
  digestAgain(page: number): Promise<Buffer>;
  /** What is stored of a page, as it is; nothing of it is checked. */
  record(place: PagePlace): Promise<Buffer>;
  /** Gives the memory of the digests back. */
  forget(): void;
  damaged(what: string, cause?: unknown): SendenseError;
}

/**
 * @param options `bytes`: all that the file has, where that is known; `capacity`: of the disk that it has to be about, if any
 * @throws SendenseError `repository.damaged`, `file.unreadable` for none, `repository.key`
 */
export async function openIndexFile(
  path: string,
  key: ImageKey | null,
  { bytes, capacity }: { readonly bytes?: Buffer | undefined; readonly capacity?: number } = {},
): Promise<IndexFile> {
  const { file, version } = await openFile(path, key, bytes);
  try {
    return await indexFileOf(path, file, version, capacity);
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

async function openFile(
  path: string,
  key: ImageKey | null,
  bytes: Buffer | undefined,
): Promise<{ file: FileContent; version: string }> {
  try {
    // Before: a file that takes the name meanwhile is then told from this one.
    const version = versionAt(path) ?? '';
    return { file: await openContent(path, key, bytes), version };
  } catch (cause) {
    if (cause instanceof SendenseError) throw cause;
    const why = (cause as Error).message;
    throw new SendenseError('file.unreadable', `The block index ${path} cannot be opened: ${why}`, { cause });
  }
}

/** What is there under a name now; null: nothing. */
export function versionAt(path: string): string | null {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return null;
  }
}

async function indexFileOf(path: string, file: FileContent, version: string, capacity?: number): Promise<IndexFile> {
  const damaged = (what: string, cause?: unknown): SendenseError =>
    new SendenseError('repository.damaged', `The block index ${path} cannot be used: ${what}`, { cause });
  const read = async (position: number, length: number): Promise<Buffer> => {
    const data = Buffer.alloc(length);
    if ((await file.read(data, position)) < length) throw damaged('it is cut off');
    return data;
  };
  const outside = (page: number): RangeError => new RangeError(`page ${page} of ${path}`);
  const fileBytes = file.size;
  if (fileBytes < headerBytes[1] + footerBytes) throw damaged(`it has only ${fileBytes} bytes`);
  const { header, root } = await decode(read, fileBytes).catch((cause: Error) => {
    if (cause instanceof SendenseError) throw cause;
    if (!file.encrypted) throw damaged(cause.message, cause);
    throw damaged(`${cause.message}, or its key is not the one`, cause);
  });
  // Before the table is read, which is as long as a capacity says.
  if (fileBytes > mostIndexBytes(header.capacity)) throw damaged('it is too long for its capacity');
  if (capacity !== undefined && header.capacity !== capacity)
    throw damaged(`it is about a disk of ${header.capacity} bytes, not ${capacity}`);
  const pageCount = pageCountOf(header.capacity);
  const tableBytes = pageCount * entryBytes[header.format];
  const tablePosition = fileBytes - footerBytes - tableBytes;
  if (tablePosition < headerBytes[header.format]) throw damaged('it is too short for its capacity');
  const { words, positions, ...decoded } = decodeTable(header, await read(tablePosition, tableBytes));
  let digests: Buffer | null = decoded.digests;
  if (rootOf(header.capacity, digests) !== root) throw damaged('its page table does not match its root digest');
  assertPlaces(header, { words, positions, digests }, tablePosition, damaged);
  return {
    path,
    header,
    pageCount,
    root,
    version,
    place(page) {
      const [position, word] = [positions[page], words[page]];
      if (position === undefined || word === undefined) throw outside(page);
      return { kind: kindOf(word) as PageKind, length: lengthOf(word), position };
    },
    digest(page) {
      if (digests === null || !(page >= 0 && page < pageCount)) throw outside(page);
      return digests.subarray(page * digestBytes, (page + 1) * digestBytes);
    },
    digestAgain: (page) => read(tablePosition + (page + 1) * entryBytes[header.format] - digestBytes, digestBytes),
    record: ({ position, length }) => read(position, length),
    forget: () => void (digests = null),
    damaged,
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  };
}

type Read = (position: number, length: number) => Promise<Buffer>;

async function decode(read: Read, fileBytes: number): Promise<{ header: IndexHeader; root: string }> {
  const header = decodeHeader(await read(0, Math.min(fileBytes, headerBytes[2])));
  return { header, root: decodeFooter(await read(fileBytes - footerBytes, footerBytes), fileBytes) };
}

/** Checks all entries of a page table. */
function assertPlaces(
  header: IndexHeader,
  { words, positions, digests }: PageTable,
  tablePosition: number,
  damaged: IndexFile['damaged'],
): void {
  for (const [page, word] of words.entries()) {
    const [kind, length, position] = [kindOf(word), lengthOf(word), positions[page] ?? 0];
    if (isZeroAt(digests, page) !== (kind === pageKinds.zero))
      throw damaged(`page ${page} has a place but no digest, or no place`);
    const stored = storedBytes(header, page, kind, length);
    if (stored === null) throw damaged(`page ${page} is stored in a way that there is not`);
    if (stored === 0 ? position !== 0 : position < headerBytes[header.format] || position + length > tablePosition)
      throw damaged(`page ${page} is not within it`);
  }
}

/** Bytes that a page takes; null: no page has that. */
function storedBytes(header: IndexHeader, page: number, kind: number, length: number): number | null {
  const whole = storedPageBytes(header.capacity, page);
  switch (kind) {
    case pageKinds.zero:
      return length === 0 ? 0 : null;
    case pageKinds.same:
      return length === 0 && header.parent !== null ? 0 : null;
    case pageKinds.dense:
      return length === whole ? length : null;
    case pageKinds.runs:
    case pageKinds.patch:
      if (kind === pageKinds.patch && header.parent === null) return null;
      return length > 0 && length < whole ? length : null;
    default:
      return null;
  }
}
