import { hash } from 'node:crypto';
import { blockCountOf, blockSize, digestBytes } from './block-index-format.ts';
import type { Extent } from './extents.ts';
import type { ByteSource } from './raw-file.ts';

export interface DigestLanes {
  /**
   * Reads extents (starting at block boundaries) and resolves to the digests of their blocks in order: 32 bytes each,
   * zeros for a block of zeros. Calls may overlap: the lanes work through all of them without a pause.
   */
  digest(extents: readonly Extent[]): Promise<Uint8Array<ArrayBuffer>>;
}

const requestBytes = 1024 * 1024;
const laneCount = 4;

interface Piece {
  readonly offset: number;
  readonly length: number;
  /** Where its digests go. */
  readonly at: number;
  readonly task: Task;
}

interface Task extends PromiseWithResolvers<Uint8Array<ArrayBuffer>> {
  readonly digests: Uint8Array<ArrayBuffer>;
  blocksLeft: number;
}

/**
 * As many lanes as requests are to be in flight. A lane has a buffer of its own, reads a piece into it and hashes it;
 * while it hashes, the source answers the other lanes.
 */
export function createDigestLanes(source: ByteSource): DigestLanes {
  const pieceBytes = Math.max(blockSize, Math.floor(Math.min(requestBytes, source.maxRequest) / blockSize) * blockSize);
  const queue: Piece[] = [];
  const idle = Array.from({ length: laneCount }, () => Buffer.allocUnsafeSlow(pieceBytes));

  const run = async (buffer: Buffer<ArrayBuffer>): Promise<void> => {
    for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
      const { offset, length, at, task } = piece;
      try {
        const data = buffer.subarray(0, length);
        await source.read(offset, data);
        digestBlocks(data, task.digests, at);
        task.blocksLeft -= blockCountOf(length);
        if (task.blocksLeft === 0) task.resolve(task.digests);
      } catch (error) {
        task.reject(error);
      }
    }
    idle.push(buffer);
  };

  return {
    digest(extents) {
      const blocks = extents.reduce((sum, extent) => sum + blockCountOf(extent.length), 0);
      const digests = new Uint8Array(blocks * digestBytes);
      const task: Task = { ...Promise.withResolvers<Uint8Array<ArrayBuffer>>(), digests, blocksLeft: blocks };
      let at = 0;
      for (const extent of extents) {
        for (let done = 0; done < extent.length; done += pieceBytes) {
          const length = Math.min(pieceBytes, extent.length - done);
          queue.push({ offset: extent.offset + done, length, at, task });
          at += blockCountOf(length) * digestBytes;
        }
      }
      if (blocks === 0) task.resolve(digests);
      while (queue.length > 0) {
        const buffer = idle.pop();
        if (buffer === undefined) break;
        void run(buffer);
      }
      return task.promise;
    },
  };
}

const zeros = Buffer.alloc(blockSize);

function digestBlocks(data: Buffer, digests: Uint8Array, at: number): void {
  for (let offset = 0; offset < data.length; offset += blockSize, at += digestBytes) {
    const block = data.subarray(offset, offset + blockSize);
    const isZero = block[0] === 0 && zeros.compare(block, 0, block.length, 0, block.length) === 0;
    if (!isZero) digests.set(hash('sha256', block, 'buffer'), at);
  }
}
