import type { ImageKey } from '../host/images/image-options.ts';
import { openContent } from '../host/images/locked-file.ts';
import { decodeHeader, headerBytes, type IndexHeader, type ParentIndex } from './block-index-format.ts';

/** What an index says that it is built on; null: nothing, or it is no index that could be. The same errors as {@link headerOfIndex}. */
export const parentOfIndex = async (
  path: string,
  key: ImageKey | null = null,
  bytes?: Buffer,
): Promise<ParentIndex | null> => (await headerOfIndex(path, key, bytes))?.parent ?? null;

/**
 * The header of an index; null: it is none. Nothing else of it is looked at.
 * @param bytes all that the file has, where that is known
 * @throws SendenseError `repository.key` for one that is encrypted, without a key; what `open` throws
 */
export async function headerOfIndex(
  path: string,
  key: ImageKey | null = null,
  bytes?: Buffer,
): Promise<IndexHeader | null> {
  await using file = await openContent(path, key, bytes);
  const start = Buffer.alloc(Math.max(0, Math.min(file.size, headerBytes[2])));
  await file.read(start, 0);
  try {
    return decodeHeader(start);
  } catch {
    return null;
  }
}
