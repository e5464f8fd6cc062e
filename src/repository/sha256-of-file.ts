import { createHash } from 'node:crypto';
import { lendBuffer } from '../blocks/piece-buffers.ts';
import { openRegular } from '../host/regular-file.ts';

const pieceBytes = 1024 * 1024;

/** SHA-256 of a file's bytes, hex. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await using file = await openRegular(path);
  using lent = lendBuffer(pieceBytes);
  for (;;) {
    signal?.throwIfAborted();
    const { bytesRead } = await file.read(lent.buffer, 0, pieceBytes, null);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(lent.buffer.subarray(0, bytesRead));
  }
}
