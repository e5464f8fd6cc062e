import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { openRegular } from '../host/regular-file.ts';
import type { Qcow2Header } from '../host/qcow2-header.ts';
import { readQcow2Tables } from '../host/qcow2-tables.ts';
import { imageInfo, type Allocation } from '../host/qemu-img.ts';
import { mapOwnData } from '../host/qemu-map.ts';
import { envelopeRanges, wholeBlocks, type GuestBlocks } from '../blocks/guest-blocks.ts';
import { lendBuffer } from '../blocks/piece-buffers.ts';

export interface EnvelopeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told of bytes that were read. */
  readonly onRead?: ((bytes: number) => void) | undefined;
}

const pieceBytes = 1024 * 1024;

/**
 * `sha256:…` over all bytes of a qcow2 that are not whole blocks of guest data, and over where they are: header, tables,
 * slack, and compressed or encrypted clusters. With the block index, which has a digest of each of those blocks, it
 * covers every bit of the file. Backing files are not looked at, and no key is needed.
 * @param file absolute path
 */
export async function envelopeDigest(file: string, options: EnvelopeOptions = {}): Promise<string> {
  return digestOfEnvelope(file, await guestBlocksOf(file, options.signal), options);
}

/** Where the file itself holds whole blocks of the guest's disk as they are, by place in the guest's disk. */
export async function guestBlocksOf(file: string, signal?: AbortSignal): Promise<GuestBlocks> {
  const info = await imageInfo(file, { format: 'qcow2', forceShare: true, signal });
  // An encrypted image holds no block as the guest has it.
  if (info.encrypted) return { extents: [], virtualSize: info.virtualSize };
  const extents = wholeBlocks(await mapOwnData(file, signal), info.virtualSize);
  return { extents, virtualSize: info.virtualSize };
}

/** Of the bytes outside of the guest's blocks: more is read by programs, which do not hold it in memory. */
const mostAtOnce = 16 * 1024 * 1024;

/**
 * Where a file holds whole blocks of the guest's disk, told without starting a program, if it is what was committed outside of them: its
 * structure is then what `qemu-img check` found sound before the commit. Null: it cannot be told so, and another way has to say.
 * @throws an error of the file system as it is
 */
export async function provenBlocks(file: string, envelope: string, signal?: AbortSignal): Promise<GuestBlocks | null> {
  const tables = await readQcow2Tables(file);
  if (!tables) return null;
  const { size } = await stat(file);
  const blocks = { extents: wholeBlocks(tables.data, tables.virtualSize), virtualSize: tables.virtualSize };
  const outside = envelopeRanges(blocks.extents, size).reduce((sum, { length }) => sum + length, 0);
  if (outside > mostAtOnce) return null;
  return (await digestOfEnvelope(file, blocks, { signal })) === envelope ? blocks : null;
}

/** {@link guestBlocksOf} of an image of which header and map (`qemu-img map`) are known. */
export function guestBlocksIn(map: readonly Allocation[], { encrypted, virtualSize }: Qcow2Header): GuestBlocks {
  if (encrypted) return { extents: [], virtualSize };
  const pieces = map.flatMap(({ depth, data, offset, start, length }) =>
    depth === 0 && data && offset !== undefined ? [{ guest: start, host: offset, length }] : [],
  );
  return { extents: wholeBlocks(pieces, virtualSize), virtualSize };
}

/** The digest of what {@link guestBlocksOf} does not name. */
export async function digestOfEnvelope(
  file: string,
  { extents }: GuestBlocks,
  { signal, onRead }: EnvelopeOptions = {},
): Promise<string> {
  const hash = createHash('sha256');
  await using handle = await openRegular(file);
  const { size } = await handle.stat();
  using lent = lendBuffer(pieceBytes);
  const { buffer } = lent;
  const place = Buffer.alloc(16);
  for (const { offset, length } of envelopeRanges(extents, size)) {
    place.writeBigUInt64BE(BigInt(offset), 0);
    place.writeBigUInt64BE(BigInt(length), 8);
    hash.update(place);
    for (let done = 0; done < length;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.read(buffer, 0, Math.min(pieceBytes, length - done), offset + done);
      if (bytesRead === 0) throw new Error(`${file} ended at ${offset + done} of ${size} bytes while it was read`);
      hash.update(buffer.subarray(0, bytesRead));
      onRead?.(bytesRead);
      done += bytesRead;
    }
  }
  return `sha256:${hash.digest('hex')}`;
}
