import { extname } from 'node:path';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { ImageFormat } from '../../../host/images/qemu-img.ts';
import type { Sniffed } from './sniff-format.ts';

const byExtension: Readonly<Record<string, ImageFormat>> = {
  '.raw': 'raw',
  '.img': 'raw',
  '.qcow2': 'qcow2',
  '.vmdk': 'vmdk',
  '.vhdx': 'vhdx',
};

const readable: readonly string[] = ['raw', 'qcow2', 'vmdk', 'vhdx'] satisfies ImageFormat[];

/**
 * The format to read a disk in. A guest can write any header into a raw disk, and an image format can name other files
 * of this machine; so a disk is never read as anything but raw on the word of its content alone where that could matter.
 * @throws SendenseError `source.unsupported`, saying what to state
 */
export function chooseFormat(disk: {
  path: string;
  format: ImageFormat | null;
  block: boolean;
  sniffed: Sniffed;
}): ImageFormat {
  if (disk.format) return disk.format;
  const { format: looks, refersToFiles } = disk.sniffed;
  const named = disk.block ? 'raw' : byExtension[extname(disk.path).toLowerCase()];
  if (named && named !== looks) {
    const what = disk.block ? 'is a block device' : `is named ${extname(disk.path)}`;
    throw refuse(disk.path, `${what}, but its content looks like ${looks}`, looks);
  }
  if (!readable.includes(looks)) throw refuse(disk.path, `looks like ${looks}, which is not read`, looks);
  if (!named && refersToFiles)
    throw refuse(
      disk.path,
      `looks like ${looks} and can refer to other files, and its name does not say what it is`,
      looks,
    );
  return looks as ImageFormat;
}

const refuse = (path: string, why: string, looks: string): SendenseError =>
  new SendenseError('source.unsupported', `${path} ${why}`, {
    remedy: readable.includes(looks)
      ? `State which it is: \`format: ${looks}\`, or \`format: raw\` to read its bytes as they are.`
      : 'Convert it with qemu-img, or state `format: raw` to read its bytes as they are.',
  });
