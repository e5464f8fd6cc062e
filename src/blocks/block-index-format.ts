import { createHash } from 'node:crypto';

/** The file format of docs/block-index.md. All numbers are big-endian. */
export const blockSize = 65536;
export const digestBytes = 32;
/** Blocks of one page. */
export const pageBlocks = 4096;
/** Bytes of the disk that one page describes: 256 MiB. */
export const pageSpan = pageBlocks * blockSize;

export const footerBytes = 64;

/** 1: every page as a list of all its digests. 2: pages may be thin, or refer to the index of the parent. */
export type IndexFormat = 1 | 2;
export const indexFormats: readonly IndexFormat[] = [1, 2];

/** Bytes of the header, by format. */
export const headerBytes = { 1: 64, 2: 160 } as const;
/** Bytes of one page in the page table, by format. */
export const entryBytes = { 1: 8 + digestBytes, 2: 12 + digestBytes } as const;

/** An index and those that it is built on, itself included. */
export const mostLevels = 32;
/** No disk is larger: bounds the memory that a header can ask for. */
const mostCapacity = 2 ** 50;

const sha256 = 1;
const headMagic = Buffer.from('\x89SBI\r\n\x1a\n', 'latin1');
const footMagic = Buffer.from('\x89SBIend\n', 'latin1');
export const zeroDigest: Buffer = Buffer.alloc(digestBytes);

export const blockCountOf = (capacity: number): number => Math.ceil(capacity / blockSize);
export const pageCountOf = (capacity: number): number => Math.ceil(blockCountOf(capacity) / pageBlocks);
/** Bytes of all digests of a page: those of the blocks that exist. */
export const storedPageBytes = (capacity: number, page: number): number =>
  Math.min(pageBlocks, blockCountOf(capacity) - page * pageBlocks) * digestBytes;

/** Of the index of a disk, each block of which holds data, in whatever format. */
export const mostIndexBytes = (capacity: number): number =>
  headerBytes[2] + blockCountOf(capacity) * digestBytes + pageCountOf(capacity) * entryBytes[2] + footerBytes;

/** How a page is stored. same and patch: only in an index that has a parent. */
export const pageKinds = { zero: 0, dense: 1, runs: 2, patch: 3, same: 4 } as const;
export type PageKind = (typeof pageKinds)[keyof typeof pageKinds];

/** One page of the page table. */
export interface PageEntry {
  readonly kind: PageKind;
  /** Where the page is in the file; 0 for one that takes no bytes. */
  readonly position: number;
  /** Bytes in the file. */
  readonly length: number;
  /** SHA-256 of all digests of the page, however it is stored; 32 zero bytes for a page of zeros. */
  readonly digest: Buffer;
}

export const zeroPage: PageEntry = { kind: pageKinds.zero, position: 0, length: 0, digest: zeroDigest };

/** The index that an index is built on: the file `<name>.index` beside it. */
export interface ParentIndex {
  /** A backup id. */
  readonly name: string;
  /** 'sha256:<hex>' */
  readonly root: string;
}

export interface IndexHeader {
  readonly format: IndexFormat;
  /** Of the disk, bytes. */
  readonly capacity: number;
  readonly parent: ParentIndex | null;
}

const rootAt = 64;
const nameAt = rootAt + digestBytes;
/** It is part of a file name, and nothing else. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export function encodeHeader({ format, capacity, parent }: IndexHeader): Buffer {
  const header = Buffer.alloc(headerBytes[format]);
  headMagic.copy(header, 0);
  header.writeUInt32BE(format, 8);
  header.writeUInt32BE(blockSize, 12);
  header.writeUInt32BE(sha256, 16);
  header.writeUInt32BE(pageBlocks, 20);
  header.writeBigUInt64BE(BigInt(capacity), 24);
  header.writeUInt32BE(pageCountOf(capacity), 32);
  if (parent === null) return header;
  if (format === 1 || !namePattern.test(parent.name)) throw new RangeError(`no index refers to ${parent.name}`);
  rootBytes(parent.root).copy(header, rootAt);
  header.write(parent.name, nameAt, 'latin1');
  return header;
}

/** @param start the first bytes of the file, as many as the longest header has or the file has; throws an Error that says what is wrong. */
export function decodeHeader(start: Buffer): IndexHeader {
  if (!start.subarray(0, 8).equals(headMagic)) throw new Error('it is not a block index');
  const version = start.readUInt32BE(8);
  const format = indexFormats.find((known) => known === version);
  if (format === undefined)
    throw new Error(`its version is ${version}, this program knows ${indexFormats.join(' and ')}`);
  const facts: readonly (readonly [string, number, number])[] = [
    ['block size', start.readUInt32BE(12), blockSize],
    ['digest algorithm', start.readUInt32BE(16), sha256],
    ['page size', start.readUInt32BE(20), pageBlocks],
  ];
  for (const [name, found, known] of facts) {
    if (found !== known) throw new Error(`its ${name} is ${found}, this program knows ${known}`);
  }
  const header = start.subarray(0, headerBytes[format]);
  const damaged = new Error('its header is damaged');
  const capacity = Number(header.readBigUInt64BE(24));
  if (header.length < headerBytes[format] || capacity > mostCapacity) throw damaged;
  const parent = format === 1 ? null : parentIn(header);
  if (parent !== null && !namePattern.test(parent.name)) throw damaged;
  const decoded = { format, capacity, parent };
  if (!encodeHeader(decoded).equals(header)) throw damaged;
  return decoded;
}

function parentIn(header: Buffer): ParentIndex | null {
  const name = header.subarray(nameAt);
  const end = name.indexOf(0);
  const digest = header.subarray(rootAt, nameAt);
  if (name[0] === 0 && digest.equals(zeroDigest)) return null;
  return { name: name.toString('latin1', 0, end < 0 ? name.length : end), root: `sha256:${digest.toString('hex')}` };
}

const rootBytes = (root: string): Buffer => Buffer.from(root.slice('sha256:'.length), 'hex');

export function encodeTable(format: IndexFormat, entries: readonly PageEntry[]): Buffer {
  const bytes = entryBytes[format];
  const table = Buffer.alloc(entries.length * bytes);
  for (const [page, { kind, position, length, digest }] of entries.entries()) {
    const at = page * bytes;
    // Kind and length take the place of nothing in format 1: a page there is one of zeros or dense.
    if (format === 2) table.writeUInt32BE(kind * 2 ** 24 + length, at);
    table.writeBigUInt64BE(BigInt(position), at + bytes - digestBytes - 8);
    digest.copy(table, at + bytes - digestBytes);
  }
  return table;
}

/** A page table as it stands there; nothing of it is checked. */
export interface PageTable {
  /** The digests of all pages, one after the other. */
  readonly digests: Buffer;
  /** Of each page kind and length as one number, as format 2 has them: {@link kindOf}, {@link lengthOf}. */
  readonly words: Uint32Array;
  readonly positions: Float64Array;
}

export const kindOf = (word: number): number => Math.floor(word / 2 ** 24);
export const lengthOf = (word: number): number => word % 2 ** 24;

/** By numbers and not by objects: a page has an entry in each file of a chain. */
export function decodeTable({ format, capacity }: IndexHeader, table: Buffer): PageTable {
  const pages = pageCountOf(capacity);
  const bytes = entryBytes[format];
  const digests = Buffer.alloc(pages * digestBytes);
  const words = new Uint32Array(pages);
  const positions = new Float64Array(pages);
  for (let page = 0, at = 0; page < pages; page++, at += bytes) {
    const place = at + bytes - digestBytes - 8;
    table.copy(digests, page * digestBytes, place + 8, place + 8 + digestBytes);
    positions[page] = table.readUInt32BE(place) * 2 ** 32 + table.readUInt32BE(place + 4);
    if (format === 2) words[page] = table.readUInt32BE(at);
    else if (!isZeroAt(digests, page)) words[page] = pageKinds.dense * 2 ** 24 + storedPageBytes(capacity, page);
  }
  return { digests, words, positions };
}

/** Whether a page has the digest of a page of zeros. */
export function isZeroAt(digests: Buffer, page: number): boolean {
  const at = page * digestBytes;
  return digests[at] === 0 && zeroDigest.compare(digests, at, at + digestBytes) === 0;
}

/** Does not depend on how and where pages are stored: 'sha256:<hex>'. @param digests of all pages */
export function rootOf(capacity: number, digests: Uint8Array): string {
  const facts = Buffer.alloc(12);
  facts.writeBigUInt64BE(BigInt(capacity), 0);
  facts.writeUInt32BE(blockSize, 8);
  return `sha256:${createHash('sha256').update(facts).update(digests).digest('hex')}`;
}

export function encodeFooter(root: string, fileBytes: number): Buffer {
  const footer = Buffer.alloc(footerBytes);
  rootBytes(root).copy(footer, 0);
  footer.writeBigUInt64BE(BigInt(fileBytes), 32);
  footMagic.copy(footer, footerBytes - footMagic.length);
  return footer;
}

/** Root as it was recorded; throws an Error that says what is wrong. */
export function decodeFooter(footer: Buffer, fileBytes: number): string {
  const root = `sha256:${footer.toString('hex', 0, digestBytes)}`;
  if (!encodeFooter(root, fileBytes).equals(footer)) throw new Error('it is cut off or not complete');
  return root;
}
