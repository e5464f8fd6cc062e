import type { FileHandle } from 'node:fs/promises';
import { openRegular } from '../files/regular-file.ts';

/** What the header of a qcow2 says of how it must be opened. */
export interface Qcow2Header {
  /** Encrypted with LUKS. */
  readonly encrypted: boolean;
  /** Encrypted in another way, which is broken and which QEMU gives up. */
  readonly oldEncryption: boolean;
  /** Backing file as the header names it, null where it has none. */
  readonly backing: string | null;
  /** Format of the backing file as the header names it; null: it names none, and QEMU would guess. */
  readonly backingFormat: string | null;
  /** Its data are in another file, whichever it names. */
  readonly externalData: boolean;
  /** The file of its data, as the header names it; null: it names none. */
  readonly dataFile: string | null;
  /** Bits of features without which it cannot be read. */
  readonly incompatibleFeatures: bigint;
  /** Of the guest's disk, bytes. */
  readonly virtualSize: number;
}

const luks = 2;
const externalDataBit = 4n;
const backingFormatExtension = 0xe2792aca;
const dataFileExtension = 0x44415441;
/** What is read of a file, at most: what QEMU writes before its first table has some 600 bytes and the name of the backing file. */
const mostBytes = 4096;
/** Of a backing file's name: the most that QEMU takes. */
const longestName = 1023;

/**
 * Reads the header of a qcow2 without qemu-img, which needs the key of an encrypted backing file before it tells anything, and opens
 * whatever the header names; undefined: the file is no qcow2 that can be told from its first bytes. Source: QEMU,
 * docs/interop/qcow2.rst: magic, version, offset of the name (8 bytes), its length (4 bytes), size of the disk (8 bytes), big-endian;
 * method of encryption at 32 (4 bytes); from version 3 on features at 72 (8 bytes) and length of the header at 100 (4 bytes). After
 * the header extensions: type, length (4 bytes each), data, filled up to 8 bytes; type 0 ends them.
 * @throws NodeJS.ErrnoException also for what is no regular file
 */
export async function readQcow2Header(path: string): Promise<Qcow2Header | undefined> {
  await using file = await openRegular(path);
  return qcow2HeaderIn(await startOf(file));
}

/** {@link readQcow2Header} of a file of which these are the first bytes. */
export function qcow2HeaderIn(bytes: Buffer): Qcow2Header | undefined {
  const start = bytes.subarray(0, mostBytes);
  if (start.length < 72 || start.toString('latin1', 0, 4) !== 'QFI\xfb') return undefined;
  const version = start.readUInt32BE(4);
  if (version !== 2 && version !== 3) return undefined;
  const headerLength = version === 2 ? 72 : start.length < 104 ? 0 : start.readUInt32BE(100);
  const extensions = extensionsIn(start, headerLength);
  const backing = backingIn(start);
  if (headerLength < 72 || extensions === undefined || backing === undefined) return undefined;
  const incompatibleFeatures = version === 3 ? start.readBigUInt64BE(72) : 0n;
  return {
    encrypted: start.readUInt32BE(32) === luks,
    oldEncryption: ![0, luks].includes(start.readUInt32BE(32)),
    backing,
    backingFormat: extensions.get(backingFormatExtension)?.toString('latin1') ?? null,
    dataFile: extensions.get(dataFileExtension)?.toString('utf8') ?? null,
    externalData: (incompatibleFeatures & externalDataBit) !== 0n || extensions.has(dataFileExtension),
    incompatibleFeatures,
    virtualSize: Number(start.readBigUInt64BE(24)),
  };
}

async function startOf(file: FileHandle): Promise<Buffer> {
  const buffer = Buffer.alloc(mostBytes);
  const { bytesRead } = await file.read(buffer, 0, mostBytes, 0);
  return buffer.subarray(0, bytesRead);
}

/** By type; undefined: they do not end within what was read. */
function extensionsIn(start: Buffer, from: number): Map<number, Buffer> | undefined {
  const found = new Map<number, Buffer>();
  for (let at = from; at + 8 <= start.length;) {
    const type = start.readUInt32BE(at);
    const length = start.readUInt32BE(at + 4);
    if (type === 0) return found;
    // QEMU takes the last of several of one type, and so do we.
    found.set(type, start.subarray(at + 8, Math.min(at + 8 + length, start.length)));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  // A file that ends right after its header has none.
  return from >= start.length ? found : undefined;
}

/** Null: none; undefined: it is not where it can be read, or longer than QEMU takes. */
function backingIn(start: Buffer): string | null | undefined {
  const offset = start.readBigUInt64BE(8);
  const length = start.readUInt32BE(16);
  if (offset === 0n) return null;
  if (length > longestName || offset + BigInt(length) > BigInt(start.length)) return undefined;
  return length === 0 ? null : start.toString('utf8', Number(offset), Number(offset) + length);
}

/** The backing file as the header of a qcow2 names it, null where it has none; undefined: the file is no qcow2. */
export const backingNameOf = async (path: string): Promise<string | null | undefined> => {
  const header = await readQcow2Header(path);
  return header && header.backing;
};
