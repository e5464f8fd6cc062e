import { constants, type BigIntStats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { ImageFormat } from '../../../host/images/qemu-img.ts';
import type { ImageSourceSpec } from '../../../schemas/types.ts';
import { chooseFormat } from './choose-format.ts';
import { sniffFormat } from './sniff-format.ts';

export type DiskSpec = ImageSourceSpec['disks'][number];

/** A disk's file after every check that needs no qemu. */
export interface DiskFile {
  readonly path: string;
  readonly block: boolean;
  readonly format: ImageFormat;
}

/**
 * Looks at what a disk's path names: a file or block device that can be read, that nobody holds, of a format that is sure.
 * @throws SendenseError `request.invalid`, `source.missing`, `source.unsupported`, `source.busy`, `file.unreadable`
 */
export async function checkDiskFile(disk: DiskSpec): Promise<DiskFile> {
  const { path } = disk;
  if (!isAbsolute(path) || path.includes('\0')) {
    throw new SendenseError('request.invalid', `the path ${JSON.stringify(path)} of a disk is not absolute`);
  }
  const info = await stat(path, { bigint: true }).catch((error: NodeJS.ErrnoException) => {
    throw unreadable(path, error);
  });
  const block = info.isBlockDevice();
  if (!block && !info.isFile())
    throw new SendenseError('source.unsupported', `${path} is ${kindOf(info)}, not a disk image or block device`);
  if (!block && info.size === 0n) throw new SendenseError('source.unsupported', `${path} is empty (0 bytes)`);
  await using handle = await openDisk(path, block && !disk.allow_in_use);
  return {
    path,
    block,
    format: chooseFormat({ path, format: disk.format, block, sniffed: await sniffFormat(handle) }),
  };
}

/**
 * Holds a block device so that nobody can mount it, nor hold it in the same way, until it is closed.
 * @throws SendenseError as {@link checkDiskFile}
 */
export const holdDevice = (path: string): Promise<FileHandle> => openDisk(path, true);

/** With O_EXCL a block device opens only if it is neither mounted nor held by another, open(2). */
async function openDisk(path: string, exclusive: boolean): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK | (exclusive ? constants.O_EXCL : 0));
  } catch (error) {
    throw unreadable(path, error as NodeJS.ErrnoException);
  }
}

function unreadable(path: string, error: NodeJS.ErrnoException): SendenseError {
  const cause = { cause: error };
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR')
    return new SendenseError('source.missing', `${path} does not exist`, cause);
  if (error.code === 'EBUSY')
    return new SendenseError('source.busy', `${path} is mounted or held by another program`, cause);
  if (error.code === 'ENOMEDIUM' || error.code === 'ENXIO')
    return new SendenseError('source.missing', `${path} has no medium (${error.code})`, cause);
  return new SendenseError('file.unreadable', `${path} cannot be read (${error.code})`, cause);
}

const kindOf = (info: BigIntStats): string =>
  info.isDirectory() ? 'a directory' : info.isFIFO() ? 'a pipe' : info.isSocket() ? 'a socket' : 'a character device';
