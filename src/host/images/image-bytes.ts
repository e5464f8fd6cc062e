import { openSized } from '../files/regular-file.ts';
import { giveBuffer, takeBuffer } from '../files/spare-buffers.ts';

/** A file of a repository that is open to be read. Its first bytes are in memory: an image of a small disk has all its tables there. */
export interface ImageBytes extends AsyncDisposable {
  /** Of the file. */
  readonly size: number;
  /** The first bytes. Until the file is closed: what is read next gets the same memory. */
  readonly head: Buffer;
  /**
   * Not to be changed, and only until the file is closed. Null: the file ends before.
   * @param buffer for what is not in memory; default: a new one
   */
  read(position: number, length: number, buffer?: Buffer): Promise<Buffer | null>;
}

/** Header, both tables of references, and two of where the data are, as qemu-img lays them out (QEMU, docs/interop/qcow2.rst). */
const headBytes = 5 * 64 * 1024;

/** @throws NodeJS.ErrnoException also for what is no regular file */
export async function openImageBytes(path: string): Promise<ImageBytes> {
  const { file, size } = await openSized(path);
  try {
    const memory = takeBuffer(headBytes);
    const { bytesRead } = await file.read(memory, 0, Math.min(size, headBytes), 0);
    const head = memory.subarray(0, bytesRead);
    let closed = false;
    return {
      size,
      head,
      async read(position, length, given) {
        if (!Number.isSafeInteger(position + length)) return null;
        if (position + length <= head.length) return head.subarray(position, position + length);
        const buffer = given?.subarray(0, length) ?? Buffer.allocUnsafe(length);
        const { bytesRead: found } = await file.read(buffer, 0, length, position);
        return found === length ? buffer : null;
      },
      async [Symbol.asyncDispose]() {
        if (!closed) giveBuffer(memory);
        closed = true;
        await file.close();
      },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}
