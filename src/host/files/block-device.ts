import { constants, readdirSync, readFileSync, type BigIntStats } from 'node:fs';
import { open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { deviceNumbers } from './file-users.ts';
import { kindOfFile } from './kind-of-file.ts';
import { openForWriting } from './open-for-writing.ts';

/** A block device of this machine. */
export interface BlockDevice {
  /** Absolute, without links: `/dev/disk/by-id/…` leads to `/dev/sdb`. */
  readonly path: string;
  /** `8:16`, as the kernel names it. */
  readonly number: string;
  readonly bytes: number;
}

/** A block device that nobody else uses: the kernel lets nobody mount or hold it as long as it is open. */
export interface HeldDevice extends BlockDevice, AsyncDisposable {
  readonly handle: FileHandle;
}

/** @throws SendenseError `file.unreadable`, `target.unfit` */
export async function blockDeviceAt(path: string): Promise<BlockDevice> {
  const real = await realpath(path).catch((cause: NodeJS.ErrnoException) => {
    throw new SendenseError('file.unreadable', `${path} cannot be found: ${cause.code ?? cause.message}`, {
      remedy:
        'List the block devices with `lsblk`, and name one. Names of /dev/disk/by-id stay the same after a restart.',
      cause,
    });
  });
  return factsOf(real, await stat(real, { bigint: true }));
}

function factsOf(path: string, info: BigIntStats): BlockDevice {
  if (!info.isBlockDevice())
    throw new SendenseError('target.unfit', `${path} is ${kindOfFile(info)}, and no block device`, {
      remedy: 'List the block devices with `lsblk`. To restore into a folder, name the folder.',
    });
  const number = numberOf(info);
  if (said(number, 'ro') === '1')
    throw new SendenseError('target.unfit', `${path} is read-only`, { remedy: 'Name a device that can be written.' });
  // In sectors of 512 bytes, whatever the device has. Source: Linux, Documentation/ABI/stable/sysfs-block.
  return { path, number, bytes: Number(said(number, 'size')) * 512 };
}

const numberOf = ({ rdev }: BigIntStats): string => {
  const { major, minor } = deviceNumbers(rdev);
  return `${major}:${minor}`;
};

const said = (number: string, name: string): string => {
  try {
    return readFileSync(`/sys/dev/block/${number}/${name}`, 'utf8').trim();
  } catch {
    return '';
  }
};

/** Whether bytes of the one are bytes of the other: they are the same, or one is a partition of the other. */
export const overlap = (one: string, other: string): boolean =>
  one === other || diskOf(one) === other || one === diskOf(other);

/** The device that a partition is of; null: it is none. Source: Linux, Documentation/ABI/stable/sysfs-block. */
const diskOf = (number: string): string | null => (said(number, 'partition') === '' ? null : said(number, '../dev'));

/** The file that a loop device shows; null: it is no loop device. Source: Linux, drivers/block/loop.c. */
export function backingFile({ number }: Pick<BlockDevice, 'number'>): string | null {
  // A partition stands below its device.
  const file = said(number, 'loop/backing_file') || said(number, '../loop/backing_file');
  return file === '' ? null : file;
}

/**
 * Opens a device for writing, so that nobody else can begin to use it.
 * @throws SendenseError `target.busy` where it is mounted, held or written by somebody, `file.unreadable`, `target.unfit`
 */
export async function holdDevice(path: string): Promise<HeldDevice> {
  const device = await blockDeviceAt(path);
  const user = usedBy(device) ?? (await writtenBy(device));
  if (user !== null) throw busy(device, user);
  const handle = await open(device.path, constants.O_RDWR | constants.O_EXCL).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'EBUSY' ? busy(device, 'in use') : notOpened(device, cause);
  });
  // What has the name now is what was looked at.
  const held = factsOf(device.path, await handle.stat({ bigint: true }));
  if (held.number !== device.number) {
    await handle.close();
    throw busy(device, 'being replaced');
  }
  return { ...held, handle, [Symbol.asyncDispose]: () => handle.close() };
}

const busy = ({ path }: BlockDevice, how: string): SendenseError =>
  new SendenseError('target.busy', `${path} is ${how}`);

const notOpened = ({ path }: BlockDevice, cause: NodeJS.ErrnoException): SendenseError =>
  new SendenseError('file.unreadable', `${path} cannot be written: ${cause.code ?? cause.message}`, {
    remedy: 'Run the command as root, or as a user of the group that the device belongs to (`ls -l`).',
    cause,
  });

interface Part {
  readonly path: string;
  readonly number: string;
}

/** The device and its partitions. Source: Linux, Documentation/ABI/stable/sysfs-block. */
const partsOf = ({ path, number }: BlockDevice): Part[] => [
  { path, number },
  ...namesIn(`/sys/dev/block/${number}`)
    .filter((name) => said(number, join(name, 'partition')) !== '')
    .map((name) => ({ path: join('/dev', name), number: said(number, join(name, 'dev')) })),
];

/** How the system uses the device or a partition of it, in words; null: not at all. Source: proc_pid_mountinfo(5). */
function usedBy(device: BlockDevice): string | null {
  const parts = partsOf(device);
  const mounted = mounts().find((mount) => parts.some(({ number }) => number === mount.number));
  if (mounted) return `mounted at ${mounted.at}`;
  for (const { number } of parts) {
    const holder = namesIn(`/sys/dev/block/${number}/holders`)[0];
    if (holder !== undefined) return `held by ${said(number, `holders/${holder}/dm/name`) || holder}`;
  }
  return null;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const mounts = (): { readonly number: string; readonly at: string }[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .map((words) => ({ number: words[2] ?? '', at: words[4] ?? '' }));

/** A virtual machine, for example: the kernel knows nothing of it. */
async function writtenBy(device: BlockDevice): Promise<string | null> {
  const writer = await openForWriting(partsOf(device).map(({ path }) => path));
  return writer === null ? null : `open for writing in ${writer.program}, process ${writer.pid}`;
}
