import { createHash } from 'node:crypto';
import { giveBuffer, takeBuffer } from '../host/files/spare-buffers.ts';
import { openSized } from '../host/files/regular-file.ts';

const pieceBytes = 1024 * 1024;

/** What a file has that is longer than any of its kind. */
export const tooLong = 'EFBIG';

/**
 * SHA-256 of a file's bytes, hex.
 * @param most bytes that a file of its kind can have: a longer one is not read, for a sparse one has as many as somebody likes
 * @throws NodeJS.ErrnoException {@link tooLong}; what `openSized` throws; on abort the signal's reason
 */
export async function sha256OfFile(path: string, signal?: AbortSignal, most = Infinity): Promise<string> {
  const hash = createHash('sha256');
  const { file: opened, size } = await openSized(path);
  await using file = opened;
  const assertShort = (bytes: number): void => {
    if (bytes <= most) return;
    throw Object.assign(new Error(`${path} has ${bytes} bytes; a file of its kind has ${most} at most`), {
      code: tooLong,
    });
  };
  assertShort(size);
  // One byte more, so that what is small is read to its end at once.
  const length = Math.min(size + 1, pieceBytes);
  const buffers = [bufferOf(length)];
  const read = (into: Buffer, position: number): Promise<{ bytesRead: number }> => {
    const reading = file.read(into, 0, length, position);
    reading.catch(() => undefined);
    return reading;
  };
  let reading = read(buffers[0] as Buffer, 0);
  for (let position = 0, turn = 0; ; turn = 1 - turn) {
    signal?.throwIfAborted();
    const { bytesRead } = await reading;
    const piece = (buffers[turn] as Buffer).subarray(0, bytesRead);
    position += bytesRead;
    assertShort(position);
    if (bytesRead === 0 || (bytesRead < length && position >= size)) {
      // Nothing reads into them any more, which is not so where this ends early.
      for (const buffer of buffers) if (buffer.length === pieceBytes) giveBuffer(buffer);
      return hash.update(piece).digest('hex');
    }
    // The next piece is read while this one is hashed.
    reading = read((buffers[1 - turn] ??= bufferOf(length)), position);
    hash.update(piece);
  }
}

const bufferOf = (length: number): Buffer<ArrayBuffer> =>
  length === pieceBytes ? takeBuffer(length) : Buffer.allocUnsafe(length);
