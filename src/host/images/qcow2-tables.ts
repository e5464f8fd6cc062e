import { openImageBytes, type ImageBytes } from './image-bytes.ts';
import type { OwnData } from './qemu-map.ts';

export interface Qcow2Tables {
  /** What the file holds uncompressed and unencrypted, in the order of the guest's disk. */
  readonly data: readonly OwnData[];
  /** What of the guest's disk it says itself, in whatever way, zeros too; all else is what is below. */
  readonly areas: readonly { readonly offset: number; readonly length: number }[];
  /** Of the guest's disk, bytes. */
  readonly virtualSize: number;
}

/** Tables of more than this are left to qemu-img, which reads them as fast and needs less memory. */
const mostTableBytes = 8 * 1024 * 1024;
/** Bits of the header and of entries: QEMU, docs/interop/qcow2.rst. */
const dirty = 1n;
const compressionType = 8n;
const compressed = 1n << 62n;
const allZeros = 1n;
/** Says nothing of the content. */
const copied = 1n << 63n;
const hostOffset = 0x00ff_ffff_ffff_fe00n;

/**
 * Reads where a qcow2 holds the guest's data from its tables, without starting a program. It knows what Sendense makes and does not judge:
 * whoever uses it has to prove what it says, for instance with the envelope digest.
 * @returns null for all else: another format, features that Sendense does not use, encryption, tables that are large or lie outside of the file
 * @throws an error of the file system as it is
 */
export async function readQcow2Tables(file: string): Promise<Qcow2Tables | null> {
  await using image = await openImageBytes(file);
  return await qcow2TablesIn(image);
}

/** {@link readQcow2Tables} of a file that is open. */
export async function qcow2TablesIn(image: ImageBytes): Promise<Qcow2Tables | null> {
  const { size } = image;
  const header = await image.read(0, 104);
  if (header?.toString('latin1', 0, 4) !== 'QFI\xfb' || header.readUInt32BE(4) !== 3) return null;
  const clusterBits = header.readUInt32BE(20);
  const virtualSize = Number(header.readBigUInt64BE(24));
  const encryption = header.readUInt32BE(32);
  const strange = header.readBigUInt64BE(72) & ~(dirty | compressionType);
  if (clusterBits < 9 || clusterBits > 21 || encryption !== 0 || strange !== 0n) return null;
  if (!Number.isSafeInteger(virtualSize)) return null;
  const clusterBytes = 2 ** clusterBits;
  const entries = clusterBytes / 8;
  const needed = Math.ceil(virtualSize / (clusterBytes * entries));
  const l1Entries = header.readUInt32BE(36);
  if (l1Entries < needed || needed * 8 > mostTableBytes) return null;
  const l1 = await image.read(Number(header.readBigUInt64BE(40)), needed * 8);
  if (!l1) return null;
  const data: { guest: number; host: number; length: number }[] = [];
  const areas: { offset: number; length: number }[] = [];
  let tableBytes = l1.length;
  for (let table = 0; table < needed; table++) {
    const at = Number(l1.readBigUInt64BE(table * 8) & hostOffset);
    if (at === 0) continue;
    tableBytes += clusterBytes;
    const l2 = tableBytes > mostTableBytes ? null : await image.read(at, clusterBytes);
    if (!l2) return null;
    for (let entry = 0; entry < entries; entry++) {
      const bits = l2.readBigUInt64BE(entry * 8);
      if ((bits & ~copied) === 0n) continue;
      const guest = (table * entries + entry) * clusterBytes;
      const length = Math.min(clusterBytes, virtualSize - guest);
      if (length <= 0) return null;
      const area = areas.at(-1);
      if (area && area.offset + area.length === guest) area.length += length;
      else areas.push({ offset: guest, length });
      if ((bits & (compressed | allZeros)) !== 0n) continue;
      const host = Number(bits & hostOffset);
      if (host + length > size) return null;
      const last = data.at(-1);
      if (last && last.guest + last.length === guest && last.host + last.length === host) last.length += length;
      else data.push({ guest, host, length });
    }
  }
  return { data, areas, virtualSize };
}
