import { hash } from 'node:crypto';
import { SendenseError } from '../errors/sendense-error.ts';
import type { NbdTarget } from '../host/nbd/nbd-target.ts';
import { giveBuffer, takeBuffer } from '../host/files/spare-buffers.ts';
import { blockCountOf, blockSize, digestBytes } from './block-index-format.ts';
import type { DigestDone, DigestWork } from './digest-messages.ts';
import { openRawFile, type ByteSource } from './raw-file.ts';
import { writeBlocks } from './write-blocks.ts';

export interface DigestLanes {
  /**
   * Reads extents (starting at block boundaries), hashes their blocks and writes those that the work says from the same
   * buffer. Calls may overlap: the lanes work through all of them without a pause. After a failure every call fails.
   * `onProgress` gets the bytes that were dealt with since the last time.
   */
  digest(work: DigestWork, onProgress?: (bytes: number) => void): Promise<DigestDone>;
}

export interface DigestLanesOptions {
  readonly target?: NbdTarget | null | undefined;
  /** Of one read, bytes; cut to whole blocks. Default 1 MiB. */
  readonly requestBytes?: number | undefined;
  /** How a file is opened that work names. */
  open?(file: string): Promise<ByteSource & AsyncDisposable>;
}

const defaultRequestBytes = 1024 * 1024;
/** A lane that also writes waits twice, so it takes more of them to keep both sides busy. */
const laneCount = { reading: 4, copying: 8 };

interface Piece {
  readonly offset: number;
  readonly length: number;
  /** Where its digests go. */
  readonly at: number;
  readonly task: Task;
}

interface Task extends PromiseWithResolvers<DigestDone> {
  readonly work: DigestWork;
  readonly source: ByteSource;
  readonly digests: Uint8Array<ArrayBuffer>;
  readonly onProgress: ((bytes: number) => void) | undefined;
  blocksLeft: number;
  bytesWritten: number;
  bytesSent: number;
}

/**
 * As many lanes as requests are to be in flight. A lane has a buffer of its own, reads a piece into it, hashes it and
 * writes it; while it hashes, source and target answer the other lanes. Memory: at most 4 buffers of `requestBytes`, 8 with a target.
 * @param source null: all work names its file
 */
export function createDigestLanes(source: ByteSource | null, options: DigestLanesOptions = {}): DigestLanes {
  const { target = null, requestBytes = defaultRequestBytes, open = openRawFile } = options;
  const most = Math.min(requestBytes, source?.maxRequest ?? requestBytes);
  const pieceBytes = Math.max(blockSize, Math.floor(most / blockSize) * blockSize);
  const lanes = target === null ? laneCount.reading : laneCount.copying;
  const queue: Piece[] = [];
  let working = 0;
  let failure: { readonly reason: unknown } | null = null;

  const deal = async ({ offset, length, at, task }: Piece, buffer: Buffer<ArrayBuffer>): Promise<void> => {
    const data = buffer.subarray(0, length);
    await task.source.read(offset, data);
    digestBlocks(data, task.digests, at);
    if (target !== null && task.work.write !== undefined) {
      const digests = task.digests.subarray(at);
      const expected = task.work.expected?.subarray(at);
      const written = await writeBlocks(target, { offset, data, digests, rule: task.work.write, expected });
      // Not `+= await`: that adds to what it was before the wait.
      task.bytesWritten += written.data + written.zeros;
      task.bytesSent += written.data;
    }
    task.onProgress?.(length);
    task.blocksLeft -= blockCountOf(length);
    if (task.blocksLeft === 0) task.resolve(task);
  };

  const run = async (buffer: Buffer<ArrayBuffer>): Promise<void> => {
    for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
      if (failure === null) await deal(piece, buffer).catch((reason: unknown) => (failure ??= { reason }));
      if (failure !== null) piece.task.reject(failure.reason);
    }
    working--;
    // After a failure something may still be under way from or into it.
    if (failure === null) giveBuffer(buffer);
  };

  const digestFrom = (from: ByteSource, work: DigestWork, onProgress: Task['onProgress']): Promise<DigestDone> => {
    const blocks = work.extents.reduce((sum, extent) => sum + blockCountOf(extent.length), 0);
    const task: Task = {
      ...Promise.withResolvers<DigestDone>(),
      work,
      source: from,
      digests: new Uint8Array(blocks * digestBytes),
      onProgress,
      blocksLeft: blocks,
      bytesWritten: 0,
      bytesSent: 0,
    };
    let at = 0;
    for (const extent of work.extents) {
      for (let done = 0; done < extent.length; done += pieceBytes) {
        const length = Math.min(pieceBytes, extent.length - done);
        queue.push({ offset: extent.offset + done, length, at, task });
        at += blockCountOf(length) * digestBytes;
      }
    }
    if (blocks === 0) task.resolve(task);
    // A lane begins with the first piece before this goes on.
    while (queue.length > 0 && working < lanes) {
      working++;
      void run(takeBuffer(pieceBytes));
    }
    return task.promise.then(({ digests, bytesWritten, bytesSent }) => ({ digests, bytesWritten, bytesSent }));
  };

  return {
    async digest(work, onProgress) {
      if (work.file !== undefined) {
        await using file = await open(work.file);
        return await digestFrom(file, work, onProgress);
      }
      if (source === null) throw new SendenseError('run.internal', 'nothing to read from');
      return digestFrom(source, work, onProgress);
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
