import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

/** Writes to a file from some place on, in large pieces. */
export interface Appending {
  /** What it gets is its own. */
  append(bytes: Buffer): Promise<void>;
  /** Of what was appended; all of it is written when this resolves, and not flushed. */
  end(): Promise<{ readonly size: number; readonly sha256: string }>;
}

/** So much goes to the file system at once. */
const batchBytes = 2 ** 20;

export function appendTo(handle: FileHandle, start: number): Appending {
  const hash = createHash('sha256');
  let [waiting, length, written] = [[] as Buffer[], 0, 0];
  const flush = async (): Promise<void> => {
    const bytes = Buffer.concat(waiting);
    [waiting, length] = [[], 0];
    const at = start + written;
    written += bytes.length;
    await putBytes(handle, bytes, at);
  };
  return {
    async append(bytes) {
      hash.update(bytes);
      waiting.push(bytes);
      length += bytes.length;
      if (length >= batchBytes) await flush();
    },
    async end() {
      await flush();
      return { size: written, sha256: hash.digest('hex') };
    },
  };
}

/** All of them: a file system may take less at a time. */
export async function putBytes(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}
