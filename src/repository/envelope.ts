import { createHash } from 'node:crypto';
import { openImageBytes, type ImageBytes } from '../host/images/image-bytes.ts';
import type { Qcow2Header } from '../host/images/qcow2-header.ts';
import { qcow2TablesIn, type Qcow2Tables } from '../host/images/qcow2-tables.ts';
import { imageInfo, type Allocation } from '../host/images/qemu-img.ts';
import { mapOwnData } from '../host/images/qemu-map.ts';
import { envelopeRanges, wholeBlocks, type GuestBlocks } from '../blocks/guest-blocks.ts';
import { lendBuffer } from '../host/files/spare-buffers.ts';

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

export interface ProvenBlocks extends GuestBlocks, Pick<Qcow2Tables, 'areas'> {}

/**
 * Where a file holds whole blocks of the guest's disk, told without starting a program, if it is what was committed outside of them: its
 * structure is then what `qemu-img check` found sound before the commit. Null: it cannot be told so, and another way has to say.
 * @throws an error of the file system as it is
 */
export async function provenBlocks(file: string, envelope: string, signal?: AbortSignal): Promise<ProvenBlocks | null> {
  await using image = await openImageBytes(file);
  return await provenBlocksIn(image, envelope, signal);
}

/** {@link provenBlocks} of a file that is open. */
export async function provenBlocksIn(
  image: ImageBytes,
  envelope: string,
  signal?: AbortSignal,
): Promise<ProvenBlocks | null> {
  const told = await envelopeTold(image, envelope, signal);
  return told?.same === true ? told.blocks : null;
}

/** Whether a file is what was committed outside of the guest's blocks, told without starting a program. Null: it cannot be told so. */
export async function envelopeTold(
  image: ImageBytes,
  envelope: string,
  signal?: AbortSignal,
): Promise<{ readonly same: boolean; readonly blocks: ProvenBlocks } | null> {
  const tables = await qcow2TablesIn(image);
  if (!tables) return null;
  const { size } = image;
  const blocks = { extents: wholeBlocks(tables.data, tables.virtualSize), virtualSize: tables.virtualSize };
  const outside = envelopeRanges(blocks.extents, size).reduce((sum, { length }) => sum + length, 0);
  if (outside > mostAtOnce) return null;
  const same = (await envelopeIn(image, blocks, { signal })) === envelope;
  return { same, blocks: { ...blocks, areas: tables.areas } };
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
  blocks: GuestBlocks,
  options: EnvelopeOptions = {},
): Promise<string> {
  await using image = await openImageBytes(file);
  const digest = await envelopeIn(image, blocks, options);
  if (digest === null) throw new Error(`${file} ended before its ${image.size} bytes while it was read`);
  return digest;
}

/** Null: the file ended while it was read. */
async function envelopeIn(
  image: ImageBytes,
  { extents }: GuestBlocks,
  { signal, onRead }: EnvelopeOptions,
): Promise<string | null> {
  const hash = createHash('sha256');
  const place = Buffer.alloc(16);
  using lent = image.size <= image.head.length ? null : lendBuffer(pieceBytes);
  for (const { offset, length } of envelopeRanges(extents, image.size)) {
    place.writeBigUInt64BE(BigInt(offset), 0);
    place.writeBigUInt64BE(BigInt(length), 8);
    hash.update(place);
    for (let done = 0; done < length;) {
      signal?.throwIfAborted();
      const piece = await image.read(offset + done, Math.min(pieceBytes, length - done), lent?.buffer);
      if (piece === null) return null;
      hash.update(piece);
      onRead?.(piece.length);
      done += piece.length;
    }
  }
  return `sha256:${hash.digest('hex')}`;
}
