import { join } from 'node:path';
import { openIndex } from '../../blocks/block-index.ts';
import { compareStored } from '../../blocks/compare-stored.ts';
import { digestOfEnvelope, guestBlocksOf } from '../../repository/envelope.ts';
import { assertRoot, differs, type Compared } from './compare-guest.ts';
import { keyOf, type DiskToExamine } from './disk-work.ts';

/**
 * Reads each byte of a disk's own file once: whole blocks of the guest's disk against the block index, all else against the
 * envelope digest of the manifest, which those of earlier versions do not have.
 */
export async function compareFile(work: DiskToExamine): Promise<Compared> {
  const { root, context, disk, signal } = work;
  const file = join(root, context, disk.path);
  const indexFile = join(root, context, disk.index.path);
  const key = keyOf(work);
  await assertRoot(indexFile, disk.digest, key);
  let bytesRead = 0;
  const onRead = (bytes: number): void => {
    bytesRead += bytes;
    work.onRead?.(bytes);
  };
  const found = (problem: Compared['problem']): Compared => ({ problem, bytesRead });
  const blocks = await guestBlocksOf(file, signal);
  const outside = blocks.extents.find(({ host, length }) => host + length > disk.file_bytes);
  if (outside) return found({ code: 'image.damaged', message: `names data at ${outside.host}, beyond its end` });
  if (disk.envelope !== undefined && (await digestOfEnvelope(file, blocks, { signal, onRead })) !== disk.envelope)
    return found({ code: 'image.damaged', message: 'is not as it was committed, outside of the blocks of the guest' });
  await using index = await openIndex(indexFile, { key });
  const { background = false, pace, paceBytes } = work;
  const first = await compareStored({ file, blocks, index, background, pace, paceBytes, signal, onRead });
  return found(first && differs(disk.number, first));
}
