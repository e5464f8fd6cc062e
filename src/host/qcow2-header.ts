import { open } from 'node:fs/promises';

/** What the header of a qcow2 says of how it must be opened. */
export interface Qcow2Header {
  /** Encrypted with LUKS. */
  readonly encrypted: boolean;
  /** Backing file as the header names it, null where it has none. */
  readonly backing: string | null;
  /** Its data are in another file, whichever it names. */
  readonly externalData: boolean;
  /** Bits of features without which it cannot be read. */
  readonly incompatibleFeatures: bigint;
  /** Of the guest's disk, bytes. */
  readonly virtualSize: number;
}

const luks = 2;
const externalDataBit = 4n;

/**
 * Reads the header of a qcow2 without qemu-img, which needs the key of an encrypted backing file before it tells anything;
 * undefined: the file is no qcow2. Source: QEMU, docs/interop/qcow2.rst: magic, version, offset of the name (8 bytes), its
 * length (4 bytes), size of the disk (8 bytes), big-endian; method of encryption at 32 (4 bytes); from version 3 on features at 72 (8 bytes).
 */
export async function readQcow2Header(path: string): Promise<Qcow2Header | undefined> {
  await using file = await open(path, 'r');
  const header = Buffer.alloc(80);
  const { bytesRead } = await file.read(header, 0, header.length, 0);
  if (bytesRead < 36 || header.toString('latin1', 0, 4) !== 'QFI\xfb') return undefined;
  const offset = Number(header.readBigUInt64BE(8));
  const length = header.readUInt32BE(16);
  const encrypted = header.readUInt32BE(32) === luks;
  const incompatibleFeatures = header.readUInt32BE(4) >= 3 ? header.readBigUInt64BE(72) : 0n;
  const externalData = (incompatibleFeatures & externalDataBit) !== 0n;
  const virtualSize = Number(header.readBigUInt64BE(24));
  const facts = { encrypted, externalData, incompatibleFeatures, virtualSize };
  if (offset === 0 || length === 0) return { ...facts, backing: null };
  // The longest that QEMU takes.
  const name = Buffer.alloc(Math.min(length, 1023));
  await file.read(name, 0, name.length, offset);
  return { ...facts, backing: name.toString('utf8') };
}

/** The backing file as the header of a qcow2 names it, null where it has none; undefined: the file is no qcow2. */
export const backingNameOf = async (path: string): Promise<string | null | undefined> => {
  const header = await readQcow2Header(path);
  return header && header.backing;
};
