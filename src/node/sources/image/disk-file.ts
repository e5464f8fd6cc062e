import { constants, readlinkSync } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { notADisk } from '../../../host/images/not-a-disk.ts';
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
  const none = notADisk(path, info);
  if (none) throw none;
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

function unreadable(path: string, cause: NodeJS.ErrnoException): SendenseError {
  const { code } = cause;
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new SendenseError('source.missing', `${path} does not exist${linkAt(path)}`, { cause });
    case 'EBUSY':
      return new SendenseError('source.busy', `${path} is mounted or held by another program`, { cause });
    case 'ENOMEDIUM':
    case 'ENXIO':
    case 'ENODEV':
      return new SendenseError('source.missing', `${path} has no medium, or there is no such device (${code})`, {
        cause,
        remedy:
          'Insert the medium, or attach the disk (`lsblk` lists those that are there). Or leave it out of `disks`.',
      });
    case 'ELOOP':
      return new SendenseError('source.missing', `the links at ${path} lead in a circle`, { cause });
    default:
      return new SendenseError('file.unreadable', `${path} cannot be read (${code})`, { cause });
  }
}

/** Where the name is that of a link that leads nowhere, this is what is missing. */
function linkAt(path: string): string {
  try {
    return `: it is a link to ${readlinkSync(path)}`;
  } catch {
    return '';
  }
}
