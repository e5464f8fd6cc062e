import { SendenseError } from '../../errors/sendense-error.ts';
import { holdDevice, overlap } from '../../host/files/block-device.ts';
import type { PlannedEffect } from '../../schemas/types.ts';
import type { RestoredDisk, RestoreRequest, RestoreRun, TargetKind, WrittenDisk } from '../target-kind.ts';
import { bodyCommand, copyBody } from './copy-disk.ts';
import { claimOf, openToWrite, type DeviceClaim, type DeviceNames } from './devices.ts';
import { readMark, writeMark } from './head.ts';
import { areWhole, headsOf, publishHeads, undoHeads, type HeadsClaim } from './publish-heads.ts';
import { readBack } from './read-back.ts';

/**
 * Block devices of the hub, one for each disk. The beginning of a disk is written last, after all was compared: until then a mark of the
 * run stands there, and nobody takes the device for whole. What was on the device before is gone with the first byte.
 */
export const deviceTarget: TargetKind<'device', DeviceClaim, HeadsClaim> = {
  type: 'device',
  claim: claimOf,

  async assertFree(request, { devices, overwrite }) {
    const taken = new Map<string, { readonly disk: string; readonly path: string }>();
    for (const names of devices) {
      await using held = await openToWrite(names, { overwrite, repository: request.from.path() });
      for (const [number, other] of taken)
        if (overlap(number, held.number))
          throw new SendenseError(
            'target.unfit',
            number === held.number
              ? `${other.disk} and ${names.disk} would go to the same device, ${held.path}`
              : `${other.disk} and ${names.disk} would go to a disk and to a partition of it, ${other.path} and ${held.path}`,
            { remedy: 'Name another device for one of them.' },
          );
      taken.set(held.number, { disk: names.disk, path: held.path });
    }
  },

  effects: (request, { devices, overwrite }) =>
    Promise.all(
      devices.map(async (names, index): Promise<PlannedEffect> => {
        await using held = await openToWrite(names, { overwrite, repository: request.from.path() });
        const { holds } = held;
        return {
          action: 'change',
          target: names.device,
          detail:
            holds === null ? 'written whole, zeros too' : `written whole, zeros too; what it holds is lost: ${holds}`,
          argv: await bodyCommand(diskAt(request, index), request.from, held.path),
        };
      }),
    ),

  outline: (_request, { devices }) => ({ directory: null, files: devices.map((names) => writtenOf(names, 0)) }),

  async write(request, { devices, overwrite }, run) {
    const files: WrittenDisk[] = [];
    for (const [index, names] of devices.entries())
      files.push(await writeDisk(names, { disk: diskAt(request, index), overwrite }, request, run));
    return { directory: null, files };
  },

  async undoWrite({ devices }) {
    for (const { device, mark, capacity } of devices) {
      // Somebody uses it, or it is gone: then it bears no mark of ours, or none that anybody can take away.
      await using held = await holdDevice(device).catch(() => null);
      if (held !== null && (await readMark(held.handle)) === mark) await writeMark(held.handle, null, capacity);
    }
  },

  readBack,
  compare: null,

  claimNames: headsOf,
  publishEffects: (written) =>
    written.map(({ file }) => ({
      action: 'change',
      target: file,
      detail: 'the beginning of the disk, at last',
      argv: null,
    })),
  publish: publishHeads,
  isPublished: areWhole,
  undoPublish: undoHeads,
  safeguarding: null,
  converting: null,
  starting: null,
  files: null,
};

const writtenOf = ({ disk, device, mark }: DeviceNames, bytes: number): WrittenDisk => ({
  disk,
  temporary: mark,
  file: device,
  format: 'raw',
  bytes_written: bytes,
});

async function writeDisk(
  names: DeviceNames,
  { disk, overwrite }: { readonly disk: RestoredDisk; readonly overwrite: boolean },
  request: RestoreRequest<'device'>,
  run: RestoreRun,
): Promise<WrittenDisk> {
  run.signal.throwIfAborted();
  await using held = await openToWrite(names, { overwrite, repository: request.from.path(), signal: run.signal });
  if (held.holds !== null) run.log(`${names.device} held ${held.holds}`);
  await writeMark(held.handle, names.mark, names.capacity);
  await copyBody(disk, request.from, held, run);
  return writtenOf(names, names.capacity);
}

function diskAt({ disks }: RestoreRequest<'device'>, index: number): RestoredDisk {
  const disk = disks[index];
  if (!disk) throw new SendenseError('run.internal', `no disk ${index}`);
  return disk;
}
