import { createAllocationMap } from '../blocks/allocation-map.ts';
import { alignTo } from '../blocks/extents.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import type { ImageKey } from '../host/images/image-options.ts';
import { createGrainPacker, type GrainPacker } from '../host/images/grain-packer.ts';
import { beginVmdk, grainBytes, type VmdkStreamFacts } from '../host/images/vmdk-stream.ts';
import { connectNbd, type NbdClient } from '../host/nbd/nbd-client.ts';
import { serveReadOnly } from '../restore-points/serve-chain.ts';
import { copyProgress } from './copy-progress.ts';
import type { RestoredDisk, RestoreRun } from './target-kind.ts';

export interface Packing {
  readonly disk: RestoredDisk;
  /** Name of the file, for the descriptor in it. */
  readonly name: string;
  readonly adapter: VmdkStreamFacts['adapter'];
  readonly key: ImageKey | null;
  /** Run folder of the server that reads it. */
  readonly folderId: string;
  readonly run: Pick<RestoreRun, 'signal' | 'progress'>;
}

const sectorBytes = 512;

/** Bytes of the disk in a VMDK, which has whole sectors. */
export const vmdkCapacity = ({ capacity_bytes: bytes }: Pick<RestoredDisk, 'capacity_bytes'>): number =>
  sectorBytes * Math.ceil(bytes / sectorBytes);

/** Read at once, bytes: whole grains. */
const pieceBytes = 16 * grainBytes;
/** Pieces that are read or compressed at a time: bounds the memory. */
const piecesAtOnce = 8;
/** Asked at once where there is data. */
const windowBytes = 2 ** 30;

/**
 * Writes a disk as a streamOptimized VMDK. Grains are compressed by all processors.
 * @param write appends to the file
 * @returns bytes of the grains that are not zeros
 */
export async function packDisk(packing: Packing, write: (bytes: Buffer) => Promise<void>): Promise<number> {
  const { disk, key, folderId, name, adapter, run } = packing;
  const { signal } = run;
  const capacity = vmdkCapacity(disk);
  await using server = await serveReadOnly(disk.file, 'qcow2', folderId, signal, key);
  await using client = await connectNbd(server.uri, { signal });
  if (client.size < disk.capacity_bytes || client.size > capacity)
    throw new SendenseError(
      'content.mismatch',
      `${disk.disk} has ${client.size} bytes, the restore point says ${disk.capacity_bytes}`,
    );
  const report = copyProgress(run, disk.disk, disk.capacity_bytes);
  using packer = createGrainPacker();
  const stream = await beginVmdk({ capacity, name, contentId: contentIdOf(disk.digest), adapter }, write);
  let populated = 0;
  const waiting: Piece[] = [];
  const addOldest = async (): Promise<void> => {
    const piece = waiting.shift();
    if (piece === undefined) return;
    for (const { grain, packed } of await piece.grains) {
      populated += grainBytes;
      await stream.add(grain, packed);
    }
    report(Math.min(1, piece.end / disk.capacity_bytes));
  };
  for await (const { offset, length } of piecesOf(client)) {
    signal.throwIfAborted();
    const grains = packPiece(client, packer, offset, length);
    // Whoever takes it out learns of it.
    grains.catch(() => undefined);
    waiting.push({ end: offset + length, grains });
    if (waiting.length >= piecesAtOnce) await addOldest();
  }
  while (waiting.length > 0) await addOldest();
  await stream.end();
  report(1);
  return Math.min(populated, capacity);
}

/** The end of the digest; all ones would say that there is none. */
function contentIdOf(digest: string): string {
  const id = /[0-9a-f]{8}$/.exec(digest)?.[0] ?? 'fffffffe';
  return id === 'ffffffff' ? 'fffffffe' : id;
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
