import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { openRegular } from '../host/regular-file.ts';

/** SHA-256 of a file's bytes, hex. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await using file = await openRegular(path);
  await pipeline(file.createReadStream({ highWaterMark: 1024 * 1024, autoClose: false }), hash, { signal });
  return hash.digest('hex');
}
