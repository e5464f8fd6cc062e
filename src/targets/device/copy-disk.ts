import { imageTarget, partOf, type ImageTarget } from '../../host/images/image-options.ts';
import { convertArgs, convertImage, type ConvertOptions } from '../../host/images/qemu-img.ts';
import type { HeldDevice } from '../../host/files/block-device.ts';
import { putBytes } from '../append-file.ts';
import { copyProgress } from '../copy-progress.ts';
import type { RestoredDisk, RestoreRequest, RestoreRun } from '../target-kind.ts';
import { headBytes } from './head.ts';

type From = RestoreRequest<'device'>['from'];

/** An image of what a disk holds. @throws SendenseError `chain.damaged`, `repository.key` */
const diskImage = async (disk: RestoredDisk, from: From): Promise<ImageTarget> =>
  imageTarget(disk.file, { key: (await from.keys()).of(disk) });

/**
 * A block device as QEMU opens it: without a look at what is on it, and past the page cache. So the device works beside the processor,
 * and what is compared was read from it.
 */
export const deviceNode = (path: string): object => ({
  driver: 'raw',
  cache: { direct: true },
  file: { driver: 'host_device', filename: path, cache: { direct: true } },
});

/** All but the beginning; null: there is no more than that. */
async function bodyOptions(disk: RestoredDisk, from: From, device: string): Promise<ConvertOptions | null> {
  const offset = headBytes(disk.capacity_bytes);
  const part = { offset, length: disk.capacity_bytes - offset };
  if (part.length === 0) return null;
  return {
    from: partOf(await diskImage(disk, from), part),
    to: partOf({ name: `json:${JSON.stringify(deviceNode(device))}` }, part).name,
    toFormat: 'raw',
    // Parts without data are written as zeros: the device may hold anything.
    isThere: true,
  };
}

/** The command that {@link copyBody} would start. */
export async function bodyCommand(disk: RestoredDisk, from: From, device: string): Promise<string[] | null> {
  const options = await bodyOptions(disk, from, device);
  return options && ['qemu-img', ...convertArgs(options)];
}

/** Writes all of a disk but its beginning, zeros too. Durable when this returns. */
export async function copyBody(disk: RestoredDisk, from: From, held: HeldDevice, run: RestoreRun): Promise<void> {
  const options = await bodyOptions(disk, from, held.path);
  const report = copyProgress(run, disk.disk, disk.capacity_bytes);
  if (options) await convertImage({ ...options, signal: run.signal, onProgress: report });
  await clearEnd(held, disk.capacity_bytes);
  await held.handle.sync();
  report(1);
}

/** A larger device may end with the copy of a partition table, or the superblock of an array, which would count again. Bytes. */
const endBytes = 2 ** 20;

async function clearEnd({ handle, bytes }: HeldDevice, capacity: number): Promise<void> {
  const length = Math.min(endBytes, bytes - capacity);
  if (length > 0) await putBytes(handle, Buffer.alloc(length), bytes - length);
}
