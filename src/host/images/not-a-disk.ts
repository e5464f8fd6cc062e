import type { BigIntStats, Stats } from 'node:fs';
import { SendenseError } from '../../errors/sendense-error.ts';
import { kindOfFile } from '../files/kind-of-file.ts';

const wayOut: Readonly<Record<string, string>> = {
  'a directory': 'Name the image that lies in it.',
  'a pipe': 'A disk is read more than once and not in order, so write it to a file first, and name that file.',
  'a socket': 'Name the image itself or its block device, not the socket of the program that serves it.',
  'a character device': 'Name the block device of the disk (`lsblk` lists them), or an image.',
};

/** Why what is there can be no disk, whatever its content is; null: it may be one. */
export function notADisk(path: string, facts: Stats | BigIntStats): SendenseError | null {
  const remedy = wayOut[kindOfFile(facts)];
  if (remedy !== undefined)
    return new SendenseError(
      'source.unsupported',
      `${path} is ${kindOfFile(facts)}, not a disk image or block device`,
      { remedy },
    );
  if (facts.isFile() && Number(facts.size) === 0)
    return new SendenseError('source.unsupported', `${path} is empty (0 bytes)`, {
      remedy:
        'Was it made or copied to its end? If the disk is really empty, there is nothing to back up: leave it out of `disks`.',
    });
  return null;
}

/** An image, or a device, that holds a disk without a byte. */
export const emptyDisk = (path: string, isDevice: boolean): SendenseError =>
  isDevice
    ? new SendenseError(
        'source.missing',
        `${path} is a disk of 0 bytes: it has no medium, or nothing is attached to it`,
        {
          remedy: `Insert the medium, or attach what it shall show (a loop device: losetup ${path} FILE). Or leave it out of \`disks\`.`,
        },
      )
    : new SendenseError('source.unsupported', `${path} is a disk of 0 bytes`, {
        remedy: 'There is nothing to back up: leave it out of `disks`.',
      });
