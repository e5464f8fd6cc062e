import { constants } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { madeShortLived } from '../../host/system/short-lived.ts';
import { chunkBytes } from '../protocol.ts';

const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Reads a file that the guest has written, and removes it. Whoever has taken the guest over can put anything there: links are not
 * followed, and what is no regular file of that size is refused.
 */
export async function takeChunk(folder: string, id: number, chunk: number, bytes: number): Promise<Buffer> {
  if (!isNumber(id) || !isNumber(chunk) || !isNumber(bytes) || bytes > chunkBytes) throw foreign();
  const path = join(folder, `${id}.${chunk}`);
  await using file = await open(path, flags).catch(() => {
    throw foreign();
  });
  const stats = await file.stat();
  if (!stats.isFile() || stats.size !== bytes) throw foreign();
  await unlink(path);
  madeShortLived(bytes);
  const content = Buffer.allocUnsafe(bytes);
  const { bytesRead } = await file.read(content, 0, bytes, 0);
  if (bytesRead !== bytes) throw foreign();
  return content;
}

const isNumber = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

const foreign = (): SendenseError => new SendenseError('files.reader', 'the reader did not hand over what it said');
