import { SendenseError } from '../../../errors/sendense-error.ts';
import type { SoapObject } from '../encode-soap.ts';
import { disksOf } from '../vm-disks.ts';
import type { Vsphere } from '../vsphere.ts';
import { list, type Moref } from '../xml.ts';
import { carriedDisk, endCarrier, useOfCarrier, withoutDisk } from './carrier.ts';
import { wholeDisks, notesOption, type DiskNotes } from './disk-notes.ts';
import { changeVm, lookAtVm, type MarkedVm, type SeenVm } from './marked-vm.ts';
import { assertUntouched } from './untouched.ts';

export interface Given {
  /** The VM that is being restored. */
  readonly object: Moref;
  readonly run: string;
  /** The disk, in the saved configuration. */
  readonly key: number;
  /** Where it is in the VM: `scsi0:1`. */
  readonly address: string;
  readonly bytes: number;
}

type Disk = ReturnType<typeof disksOf>[number];

/**
 * Gives the VM the disk that its carrier has brought, at the place of the empty one, and notes that it is copied. What the VM is made of
 * differs from then on, so that its notes do not say it until `makeVm` has settled it again.
 * @returns false: no carrier has brought it whole
 * @throws SendenseError `target.unfit` where the VM is not ours any more, `vsphere.*`
 */
export async function giveDisk(vsphere: Vsphere, given: Given, signal?: AbortSignal): Promise<boolean> {
  const { object, run, key, address, bytes } = given;
  const carrier = (await lookAtVm(vsphere, object, signal))?.notes?.carriers.get(key);
  if (!carrier || carrier.lease !== null) return false;
  const brought = await lookAtVm(vsphere, { type: 'VirtualMachine', value: carrier.vm }, signal);
  const disk = carriedDisk(brought, object, key);
  if (brought === null || disk === null || disk.capacity_bytes !== bytes) return false;
  // What is on the disk may be theirs by now: it is brought again.
  if ((await useOfCarrier(vsphere, brought, signal)) !== null) return false;
  await changeVm(
    vsphere,
    object,
    async (seen) => {
      const { notes } = await ours(vsphere, seen, run, signal);
      const empty = disksIn(seen).find((one) => one.address === address);
      if (!empty) throw new SendenseError('target.unfit', `the VM ${seen.name} has no disk at ${address} any more`);
      return [
        ['deviceChange', empty.file === disk.file ? [] : [withoutDisk(empty, 'destroy'), withDisk(empty, disk)]],
        ['extraConfig', [notesOption({ ...notes, hardware: null, copied: new Set([...notes.copied, key]) })]],
      ];
    },
    signal,
  );
  return true;
}

async function ours(
  vsphere: Vsphere,
  seen: SeenVm,
  run: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly notes: DiskNotes }> {
  const { mark, notes } = seen;
  if (mark?.run !== run || notes === null)
    throw new SendenseError(
      'target.unfit',
      `the VM ${seen.name} (${seen.object.value}) lost its mark while it was made`,
    );
  await assertUntouched(vsphere, { ...seen, mark }, signal);
  return { notes };
}

const disksIn = ({ values }: SeenVm): Disk[] => disksOf(list(values.get('config.hardware'), 'device'));

const withDisk = (place: Disk, { file, thin, capacity_bytes: bytes }: Disk): SoapObject => ({
  fields: [
    ['operation', 'add'],
    [
      'device',
      {
        xsiType: 'VirtualDisk',
        fields: [
          ['key', -1],
          [
            'backing',
            {
              xsiType: 'VirtualDiskFlatVer2BackingInfo',
              fields: [
                ['fileName', file],
                ['diskMode', 'persistent'],
                ['thinProvisioned', thin ?? undefined],
              ],
            },
          ],
          ['controllerKey', place.controller_key],
          ['unitNumber', place.unit ?? undefined],
          ['capacityInKB', bytes / 1024],
          ['capacityInBytes', bytes],
        ],
      },
    ],
  ],
});

/**
 * Removes the carriers that are not needed any more: of disks that the VM has, and of those that did not come whole.
 * @param all those of whole disks, too
 * @returns what stays, in sentences
 */
export async function endCarriers(
  vsphere: Vsphere,
  vm: MarkedVm,
  { all = false, signal }: { readonly all?: boolean; readonly signal?: AbortSignal | undefined } = {},
): Promise<string[]> {
  const { notes } = vm;
  const left: string[] = [];
  const gone = new Set<number>();
  for (const [key, carrier] of notes?.carriers ?? []) {
    const isNeeded = carrier.lease === null && notes?.copied.has(key) !== true;
    if (isNeeded && !all) continue;
    const stays = await endCarrier(vsphere, vm, key, carrier, signal);
    if (stays !== null) left.push(stays);
    gone.add(key);
  }
  const without = ({ carriers }: DiskNotes) => new Map([...carriers].filter(([key]) => !gone.has(key)));
  if (gone.size > 0)
    await changeVm(
      vsphere,
      vm.object,
      ({ mark, notes: now }) =>
        mark?.run === vm.mark.run && now ? [['extraConfig', [notesOption({ ...now, carriers: without(now) })]]] : [],
      signal,
    );
  return left;
}

/** How many disks of an unfinished VM need not be copied again. */
export const wholeIn = ({ notes }: MarkedVm): number => (notes ? wholeDisks(notes).size : 0);
