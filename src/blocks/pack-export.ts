import { createGrainPacker, type GrainPacker } from '../host/images/grain-packer.ts';
import { beginVmdk, grainBytes, type VmdkStreamFacts } from '../host/images/vmdk-stream.ts';
import type { NbdClient } from '../host/nbd/nbd-client.ts';
import { createAllocationMap } from './allocation-map.ts';
import { alignTo } from './extents.ts';

export interface PackExportOptions extends VmdkStreamFacts {
  readonly signal?: AbortSignal | undefined;
  /** Hears how much of the disk is packed, bytes. */
  onProgress?(bytesDone: number): void;
}

/** Read at once, bytes: whole grains. */
const pieceBytes = 16 * grainBytes;
/** Pieces that are read or compressed at a time: bounds the memory. */
const piecesAtOnce = 8;
/** Asked at once where there is data. */
const windowBytes = 2 ** 30;

/**
 * Writes what an export shows as a streamOptimized VMDK. Grains are compressed by all processors, several at a time.
 * @param client of an export that has no more bytes than the VMDK, and less than a sector less
 * @param write appends to the VMDK
 * @returns bytes of the grains that are not zeros
 */
export async function packExport(
  client: NbdClient,
  { signal, onProgress, ...facts }: PackExportOptions,
  write: (bytes: Buffer) => Promise<void>,
): Promise<number> {
  using packer = createGrainPacker();
  const stream = await beginVmdk(facts, write);
  let populated = 0;
  const waiting: Piece[] = [];
  const addOldest = async (): Promise<void> => {
    const piece = waiting.shift();
    if (piece === undefined) return;
    for (const { grain, packed } of await piece.grains) {
      populated += grainBytes;
      await stream.add(grain, packed);
    }
    onProgress?.(piece.end);
  };
  for await (const { offset, length } of piecesOf(client)) {
    signal?.throwIfAborted();
    const grains = packPiece(client, packer, offset, length);
    // Whoever takes it out learns of it.
    grains.catch(() => undefined);
    waiting.push({ end: offset + length, grains });
    if (waiting.length >= piecesAtOnce) await addOldest();
  }
  while (waiting.length > 0) await addOldest();
  await stream.end();
  return Math.min(populated, facts.capacity);
}

interface Piece {
  /** Where it ends on the disk. */
  readonly end: number;
  readonly grains: Promise<PackedGrain[]>;
}

interface PackedGrain {
  readonly grain: number;
  readonly packed: Buffer;
}

/** What may hold data, from the beginning of the disk to its end. */
async function* piecesOf(client: NbdClient): AsyncGenerator<{ readonly offset: number; readonly length: number }> {
  const map = createAllocationMap(client);
  for (let from = 0; from < client.size; from += windowBytes) {
    const window = { offset: from, length: Math.min(windowBytes, client.size - from) };
    for (const { offset, length } of alignTo(await map.dataWithin([window], client.size), grainBytes, client.size))
      for (let done = 0; done < length; done += pieceBytes)
        yield { offset: offset + done, length: Math.min(pieceBytes, length - done) };
  }
}

const zeros = Buffer.alloc(grainBytes);

/** Reads whole grains, of which the last of a disk may have more than the disk, and compresses those that are not zeros. */
async function packPiece(
  client: NbdClient,
  packer: GrainPacker,
  offset: number,
  length: number,
): Promise<PackedGrain[]> {
  const data = Buffer.alloc(Math.ceil(length / grainBytes) * grainBytes);
  await client.read(offset, data.subarray(0, length));
  const packing: Promise<PackedGrain>[] = [];
  for (let at = 0; at < data.length; at += grainBytes) {
    const bytes = data.subarray(at, at + grainBytes);
    if (bytes.equals(zeros)) continue;
    const grain = (offset + at) / grainBytes;
    packing.push(packer.pack(bytes).then((packed) => ({ grain, packed })));
  }
  return Promise.all(packing);
}
