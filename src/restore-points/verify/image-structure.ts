import { join } from 'node:path';
import { imageTarget, type ImageKey } from '../../host/images/image-options.ts';
import { checkImage, imageInfo } from '../../host/images/qemu-img.ts';
import { backingName } from '../../repository/layout.ts';
import type { GuestBlocks } from '../../blocks/guest-blocks.ts';
import { openImageBytes } from '../../host/images/image-bytes.ts';
import { qcow2HeaderIn } from '../../host/images/qcow2-header.ts';
import { envelopeTold } from '../../repository/envelope.ts';
import { foreignInChain } from '../../repository/own-image.ts';
import { keyOf, type DiskToExamine } from './disk-work.ts';

export interface ImageStructure {
  /** What is wrong with it; follows the path in a sentence. Null: nothing. */
  readonly fault: string | null;
  /** What it holds of the guest's disk, where it is as it was committed in all else; null: that was not looked at, or is not so. */
  readonly proven: GuestBlocks | null;
}

/**
 * The structure of a disk's file, as qemu-img sees it. A file whose tables are what qemu-img found sound before the commit is not shown
 * to it again: two programs take longer than all else.
 */
export async function imageStructure(work: DiskToExamine): Promise<ImageStructure> {
  const { root, context, disk, signal, lookedAt } = work;
  const file = join(root, context, disk.path);
  const fault = (what: string | null): ImageStructure => ({ fault: what, proven: null });
  let differs = false;
  try {
    {
      await using image = await openImageBytes(file);
      // Before a program opens whatever it names.
      const foreign = await foreignInChain(file, qcow2HeaderIn(image.head), disk.parent, lookedAt?.images);
      if (foreign !== null) return fault(foreign);
      const envelope = keyOf(work) === null ? disk.envelope : undefined;
      const told = envelope === undefined ? null : await envelopeTold(image, envelope, signal);
      if (told?.same) return { fault: null, proven: told.blocks };
      differs = told !== null;
    }
    // What qemu-img finds says more than that a byte is another one.
    return fault((await faultOfImage(work, file)) ?? (differs ? notAsCommitted : null));
  } catch (error) {
    signal?.throwIfAborted();
    return fault(`cannot be read: ${(error as Error).message}`);
  }
}

/** Of bytes that are not blocks of the guest. */
export const notAsCommitted = 'is not as it was committed, outside of the blocks of the guest';

/** As programs see it. */
async function faultOfImage(work: DiskToExamine, file: string): Promise<string | null> {
  const { disk, signal } = work;
  const key = keyOf(work);
  const info = await imageInfo(file, { format: 'qcow2', forceShare: true, signal });
  const differs = headerDiffers({ ...info, backing: info.backingFile ?? null }, disk, key);
  if (differs !== null) return differs;
  const check = await checkImage(await imageTarget(file, { key, alone: true }), signal);
  return check.ok ? null : `is damaged: qemu-img check: ${check.message}`;
}

/** What of a header is not as it was committed. */
export function headerDiffers(
  header: { readonly backing: string | null; readonly virtualSize: number; readonly encrypted: boolean },
  disk: DiskToExamine['disk'],
  key: ImageKey | null,
): string | null {
  const backing = disk.parent === null ? null : backingName(disk.parent);
  if (header.backing !== backing)
    return `names the backing file ${header.backing ?? 'none'}, ${backing ?? 'none'} was committed`;
  if (header.virtualSize !== disk.capacity_bytes)
    return `has a capacity of ${header.virtualSize} bytes, ${disk.capacity_bytes} were committed`;
  if (header.encrypted !== (key !== null))
    return `is ${header.encrypted ? '' : 'not '}encrypted, and was committed otherwise`;
  return null;
}
