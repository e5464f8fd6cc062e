import type { ImageKey } from '../host/images/image-options.ts';
import { blockSize, digestBytes, pageBlocks, pageSpan } from './block-index-format.ts';
import { openIndex } from './block-index.ts';
import { compareStored, type CompareStoredOptions } from './compare-stored.ts';
import { complement } from './extents.ts';
import type { IndexReader } from './index-reader.ts';

export interface CompareWholeOptions extends Pick<CompareStoredOptions, 'file' | 'blocks' | 'signal'> {
  readonly indexPath: string;
  /** Of an index that is encrypted. */
  readonly indexKey: ImageKey | null;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

/**
 * Compares a file that holds a whole disk with its block index: what it holds, and that the index has zeros where it holds nothing.
 * @returns whether all of it is what the index says
 * @throws SendenseError `repository.damaged` for the index, `source.changed` where the file ends too early
 */
export async function compareWhole(options: CompareWholeOptions): Promise<boolean> {
  const { file, blocks, indexPath, indexKey, signal, onProgress } = options;
  await using index = await openIndex(indexPath, { key: indexKey });
  if (blocks.virtualSize !== index.capacity) return false;
  const total = blocks.extents.reduce((sum, { length }) => sum + length, 0);
  let done = 0;
  const onRead = (bytes: number): void => onProgress?.((done += bytes), total);
  if ((await compareStored({ file, blocks, index, signal, onRead })) !== null) return false;
  return await isZeroBeside(index, blocks);
}

const zeros = Buffer.alloc(pageBlocks * digestBytes);

async function isZeroBeside(index: IndexReader, { extents }: CompareWholeOptions['blocks']): Promise<boolean> {
  const held = extents.map(({ guest, length }) => ({ offset: guest, length }));
  for (const { offset, length } of complement(held, index.capacity))
    for (let at = offset; at < offset + length;) {
      const page = Math.floor(at / pageSpan);
      const end = Math.min((page + 1) * pageSpan, offset + length);
      const digests = await index.page(page);
      const from = ((at - page * pageSpan) / blockSize) * digestBytes;
      const to = Math.ceil((end - page * pageSpan) / blockSize) * digestBytes;
      if (digests !== null && digests.compare(zeros, from, to, from, to) !== 0) return false;
      at = end;
    }
  return true;
}
