import { resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { backingFile, holdDevice, type HeldDevice } from '../../host/files/block-device.ts';
import { isWithin, realFolder } from '../../host/files/future-folder.ts';
import { signaturesOn } from '../../host/files/signatures.ts';
import { sizeText } from '../../repository/stored-files/size.ts';
import type { ClaimFacts, RestoredDisk, ToOf } from '../target-kind.ts';
import { markOf, readMark } from './head.ts';

export interface DeviceNames {
  readonly disk: string;
  /** Absolute, as the plan names it. */
  readonly device: string;
  /** Bears the run's id. */
  readonly mark: string;
  readonly capacity: number;
}

export interface DeviceClaim {
  readonly devices: readonly DeviceNames[];
  /** Whether what is on them goes. */
  readonly overwrite: boolean;
}

/** @throws SendenseError `target.unfit` where disks and devices are not the same ones */
export function claimOf(to: ToOf<'device'>, disks: readonly RestoredDisk[], facts: ClaimFacts): DeviceClaim {
  assertAllRestored(to, disks);
  return {
    devices: disks.map(({ disk, capacity_bytes: capacity }) => ({
      disk,
      device: resolve(facts.planFolder, deviceOf(to, disk, disks.length)),
      mark: markOf(facts, disk),
      capacity,
    })),
    overwrite: to.overwrite,
  };
}

/** A device that is named and not written would hold what it held, and whoever named it takes it for the disk. */
function assertAllRestored({ device }: ToOf<'device'>, disks: readonly RestoredDisk[]): void {
  if (typeof device === 'string') return;
  const left = Object.keys(device).find((name) => !disks.some(({ disk }) => disk === name));
  if (left === undefined) return;
  const restored = disks.map(({ disk }) => disk).join(', ');
  throw new SendenseError('target.unfit', `a device is named for ${left}, and only ${restored} would be restored`, {
    remedy: `Name no device for ${left}, or restore it, too, if the restore point has it (disks, --disk).`,
  });
}

function deviceOf({ device }: ToOf<'device'>, disk: string, count: number): string {
  if (typeof device === 'string' && count === 1) return device;
  const named = typeof device === 'string' ? undefined : device[disk];
  if (named !== undefined) return named;
  const what =
    typeof device === 'string'
      ? `${device} is one device, and there are ${count} disks`
      : `there is no device for ${disk}`;
  throw new SendenseError('target.unfit', what, {
    remedy: `Name a device for each disk (device: { disk-0: /dev/…, disk-1: /dev/… }), or restore fewer disks (disks: [0]).`,
  });
}

/** A device that may be written. */
export interface FreeDevice extends HeldDevice {
  /** What goes with it, in words; null: nothing that any program knows, or what an earlier attempt of this run has left. */
  readonly holds: string | null;
}

/** How a device may be written. */
export interface ToWrite {
  /** Whether what is on it goes. */
  readonly overwrite: boolean;
  /** Folder of the repository that is restored from, absolute. */
  readonly repository: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens a device that may be written: nobody uses it, the disk fits, and what is on it may go.
 * @throws SendenseError `target.busy`, `target.unfit`, `file.exists`, `file.unreadable`
 */
export async function openToWrite(names: DeviceNames, { overwrite, repository, signal }: ToWrite): Promise<FreeDevice> {
  await using opened = new AsyncDisposableStack();
  const held = opened.use(await holdDevice(names.device));
  if (held.bytes < names.capacity)
    throw new SendenseError(
      'target.unfit',
      `${names.device} has ${sizeText(held.bytes)} (${held.bytes} bytes), and ${names.disk} needs ${sizeText(names.capacity)} (${names.capacity} bytes)`,
      { remedy: 'Name a larger device.' },
    );
  await assertApart(held, names, repository);
  const holds = await contentOf(held, names, signal);
  if (holds !== null && !overwrite)
    throw new SendenseError('file.exists', `${names.device} holds ${holds}; nothing was written`, {
      remedy:
        'If nobody needs that any more, set `overwrite: true` in `to` (--overwrite). Otherwise name another device.',
    });
  opened.move();
  return { ...held, holds };
}

/** A restore never writes into the repository, not even through a loop device. */
async function assertApart(held: HeldDevice, { device }: DeviceNames, repository: string): Promise<void> {
  const file = backingFile(held);
  if (file === null || !isWithin(file, await realFolder(repository))) return;
  throw new SendenseError('target.unfit', `${device} shows ${file}, which lies inside the repository ${repository}`, {
    remedy: 'Name another device.',
  });
}

async function contentOf(
  held: HeldDevice,
  { mark }: Pick<DeviceNames, 'mark'>,
  signal?: AbortSignal,
): Promise<FreeDevice['holds']> {
  const found = await readMark(held.handle);
  if (found === mark) return null;
  if (found !== null) return `a restore that is not finished (${found})`;
  const image = await imageOn(held);
  const signatures = [...(image === null ? [] : [image]), ...(await signaturesOn(held.path, signal))];
  return signatures.length === 0 ? null : signatures.join(', ');
}

/** Beginnings of disk images, which `wipefs` does not know: some keep them on volumes. */
const images: readonly (readonly [magic: string, name: string])[] = [
  ['QFI\xfb', 'a qcow2 image'],
  ['KDMV', 'a VMDK image'],
  ['COWD', 'a VMDK image'],
  ['vhdxfile', 'a VHDX image'],
  ['conectix', 'a VHD image'],
];

async function imageOn({ handle }: HeldDevice): Promise<string | null> {
  const { buffer } = await handle.read(Buffer.alloc(sectorBytes), 0, sectorBytes, 0);
  const start = buffer.toString('latin1', 0, 8);
  return images.find(([magic]) => start.startsWith(magic))?.[1] ?? null;
}

const sectorBytes = 512;
