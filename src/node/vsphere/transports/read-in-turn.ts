import type { Socket } from 'node:net';

/** Takes a chunk; its memory is used again once the call, or what it promises, is over. */
export type TakeChunk = (chunk: Buffer) => Promise<unknown> | undefined;

export interface TurnReader {
  /** To be given to `connect` of node:net or node:tls. */
  readonly onread: {
    readonly buffer: () => Uint8Array;
    readonly callback: (bytes: number, buffer: Uint8Array) => boolean;
  };
  /** The socket that was connected so. */
  attach(socket: Socket): void;
  /** A chunk is still being taken; the socket is not read meanwhile. */
  readonly busy: boolean;
}

/** Larger than a TLS record (16 KiB), of which Node hands over one at a time. */
const bufferBytes = 64 * 1024;

/**
 * Reads a socket into few buffers that are used again and again. A stream would make a new one for each TLS record, and the
 * garbage costs three times the processor time of the reading (measured, docs/performance.md).
 * @param fail gets what `take` throws; nothing is taken after it
 */
export function readInTurn(take: TakeChunk, fail: (reason: unknown) => void): TurnReader {
  const spare: Buffer[] = [];
  /** Chunks that came after the socket was told to pause: a TLS socket goes on with what it has deciphered. */
  const queue: { readonly chunk: Buffer; readonly buffer: Buffer }[] = [];
  let current: Buffer = Buffer.allocUnsafeSlow(bufferBytes);
  let held = false;
  let busy = false;
  let failed = false;
  let socket: Socket | null = null;

  const failOnce = (reason: unknown): void => {
    failed = true;
    fail(reason);
  };
  const whenTaken = async (taken: Promise<unknown>, first: Buffer): Promise<void> => {
    try {
      await taken;
      spare.push(first);
      for (let next = queue.shift(); next; next = queue.shift()) {
        await take(next.chunk);
        spare.push(next.buffer);
      }
      busy = false;
      socket?.resume();
    } catch (error) {
      failOnce(error);
    }
  };

  return {
    get busy() {
      return busy;
    },
    attach: (given) => (socket = given),
    onread: {
      // Asked for at the start and after each call of `callback`.
      buffer: () => {
        if (held) current = spare.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
        held = false;
        return current;
      },
      callback: (bytes) => {
        if (failed) return false;
        const [chunk, buffer] = [current.subarray(0, bytes), current];
        try {
          if (busy) {
            held = true;
            queue.push({ chunk, buffer });
            return false;
          }
          const taken = take(chunk);
          if (!taken) return true;
          held = busy = true;
          void whenTaken(taken, buffer);
        } catch (error) {
          failOnce(error);
        }
        return false;
      },
    },
  };
}
