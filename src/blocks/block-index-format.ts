import { hash } from 'node:crypto';

/** The file format of docs/block-index.md. All numbers are big-endian. */
export const blockSize = 65536;
export const digestBytes = 32;
/** Blocks of one page. */
export const pageBlocks = 4096;
/** Bytes of the disk that one page describes: 256 MiB. */
export const pageSpan = pageBlocks * blockSize;

export const headerBytes = 64;
export const entryBytes = 8 + digestBytes;
export const footerBytes = 64;

const version = 1;
const sha256 = 1;
const headMagic = Buffer.from('\x89SBI\r\n\x1a\n', 'latin1');
const footMagic = Buffer.from('\x89SBIend\n', 'latin1');
const zeroDigest = Buffer.alloc(digestBytes);

export const blockCountOf = (capacity: number): number => Math.ceil(capacity / blockSize);
export const pageCountOf = (capacity: number): number => Math.ceil(blockCountOf(capacity) / pageBlocks);
/** Bytes of a page as it is stored: digests of the blocks that exist. */
export const storedPageBytes = (capacity: number, page: number): number =>
  Math.min(pageBlocks, blockCountOf(capacity) - page * pageBlocks) * digestBytes;

/** Of the index of a disk, each block of which holds data. */
export const mostIndexBytes = (capacity: number): number =>
  headerBytes + blockCountOf(capacity) * digestBytes + pageCountOf(capacity) * entryBytes + footerBytes;

/** One page of the page table. */
export interface PageEntry {
  /** Where the page is in the file; 0 for a page of zeros, which is not stored. */
  readonly position: number;
  /** SHA-256 of the stored page; 32 zero bytes for a page of zeros. */
  readonly digest: Buffer;
}

export const zeroPage: PageEntry = { position: 0, digest: zeroDigest };

export function encodeHeader(capacity: number): Buffer {
  const header = Buffer.alloc(headerBytes);
  headMagic.copy(header, 0);
  header.writeUInt32BE(version, 8);
  header.writeUInt32BE(blockSize, 12);
  header.writeUInt32BE(sha256, 16);
  header.writeUInt32BE(pageBlocks, 20);
  header.writeBigUInt64BE(BigInt(capacity), 24);
  header.writeUInt32BE(pageCountOf(capacity), 32);
  return header;
}

/** Capacity in bytes; throws an Error that says what is wrong. */
export function decodeHeader(header: Buffer): number {
  if (!header.subarray(0, 8).equals(headMagic)) throw new Error('it is not a block index');
  const facts: readonly (readonly [string, number, number])[] = [
    ['version', header.readUInt32BE(8), version],
    ['block size', header.readUInt32BE(12), blockSize],
    ['digest algorithm', header.readUInt32BE(16), sha256],
    ['page size', header.readUInt32BE(20), pageBlocks],
  ];
  for (const [name, found, known] of facts) {
    if (found !== known) throw new Error(`its ${name} is ${found}, this program knows ${known}`);
  }
  const capacity = Number(header.readBigUInt64BE(24));
  if (!Number.isSafeInteger(capacity) || !encodeHeader(capacity).equals(header)) {
    throw new Error('its header is damaged');
  }
  return capacity;
}

export function encodeTable(entries: readonly PageEntry[]): Buffer {
  const table = Buffer.alloc(entries.length * entryBytes);
  for (const [page, { position, digest }] of entries.entries()) {
    table.writeBigUInt64BE(BigInt(position), page * entryBytes);
    digest.copy(table, page * entryBytes + 8);
  }
  return table;
}

/** Does not depend on where pages stand in the file: 'sha256:<hex>'. */
export function rootOf(capacity: number, entries: readonly PageEntry[]): string {
  const facts = Buffer.alloc(12);
  facts.writeBigUInt64BE(BigInt(capacity), 0);
  facts.writeUInt32BE(blockSize, 8);
  return `sha256:${hash('sha256', Buffer.concat([facts, ...entries.map((entry) => entry.digest)]), 'hex')}`;
}

export function encodeFooter(root: string, fileBytes: number): Buffer {
  const footer = Buffer.alloc(footerBytes);
  Buffer.from(root.slice('sha256:'.length), 'hex').copy(footer, 0);
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
