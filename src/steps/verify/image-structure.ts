import { join } from 'node:path';
import { imageTarget, type ImageKey } from '../../host/image-options.ts';
import { checkImage, imageInfo } from '../../host/qemu-img.ts';
import { backingName } from '../../repository/layout.ts';
import { provenBlocks } from '../../repository/envelope.ts';
import { foreignInChain } from '../../repository/own-image.ts';
import { keyOf, type DiskToExamine } from './disk-work.ts';

/**
 * What is wrong with the structure of a disk's file, as qemu-img sees it; follows the path in a sentence. Null: nothing. A file whose
 * tables are what qemu-img found sound before the commit is not shown to it again: two programs take longer than all else.
 */
export async function imageStructure(work: DiskToExamine): Promise<string | null> {
  const { root, context, disk, signal } = work;
  const file = join(root, context, disk.path);
  const key = keyOf(work);
  try {
    // Before a program opens whatever it names.
    const foreign = await foreignInChain(file, disk.parent);
    if (foreign !== null) return foreign;
    if (key === null && disk.envelope !== undefined && (await provenBlocks(file, disk.envelope, signal))) return null;
    const info = await imageInfo(file, { format: 'qcow2', forceShare: true, signal });
    const differs = headerDiffers({ ...info, backing: info.backingFile ?? null }, disk, key);
    if (differs !== null) return differs;
    const check = await checkImage(await imageTarget(file, { key, alone: true }), signal);
    return check.ok ? null : `is damaged: qemu-img check: ${check.message}`;
  } catch (error) {
    signal?.throwIfAborted();
    return `cannot be read: ${(error as Error).message}`;
  }
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
