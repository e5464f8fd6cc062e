import { SendenseError } from '../../../errors/sendense-error.ts';
import { disksOf } from '../vm-disks.ts';
import type { Vsphere } from '../vsphere.ts';
import { at, list, moref, plainInteger, type Moref } from '../xml.ts';
import type { Place } from './place.ts';
import { assertOwnDisks, markedVm, type MarkedVm } from './marked-vms.ts';
import type { RestoreMark } from './restore-mark.ts';
import { bootOptions } from './wanted-boot.ts';
import { vmSpec, type SpecOptions } from './vm-spec.ts';
import type { WantedVm } from './wanted-vm.ts';

export interface NewVm {
  readonly object: Moref;
  /** False: a try of before has made it. */
  readonly isNew: boolean;
  /** By the key of the disk in the saved configuration. */
  readonly disks: ReadonlyMap<number, NewDisk>;
}

export interface NewDisk {
  /** Of the device. */
  readonly key: number;
  /** `[datastore] folder/disk.vmdk` */
  readonly file: string;
  readonly bytes: number;
}

/**
 * Makes the VM, with empty disks and a mark; the one that a run of before made with this mark is taken again.
 * @throws SendenseError `vsphere.*`, `target.unfit` where vSphere made something else
 */
export async function makeVm(
  vsphere: Vsphere,
  vm: WantedVm,
  given: SpecOptions & { readonly place: Place },
  signal?: AbortSignal,
): Promise<NewVm> {
  const { place } = given;
  const before = await markedVm(vsphere, given.mark.run, signal);
  if (before) await assertUsable(vsphere, before, given.mark, signal);
  const object =
    before?.object ??
    moref(
      await vsphere.task(
        'CreateVM_Task',
        place.folder,
        [
          ['config', vmSpec(vm, given)],
          ['pool', place.pool],
          ['host', place.host ?? undefined],
        ],
        signal ? { signal } : {},
      ),
    );
  const disks = await madeDisks(vsphere, object, vm, signal);
  await setBootOrder(vsphere, object, vm, disks, signal);
  return { object, isNew: before === null, disks };
}

/** Whether what a try of before has made can be written to. @throws SendenseError `vsphere.busy`, `target.unfit` */
async function assertUsable(
  vsphere: Vsphere,
  before: MarkedVm,
  { point }: RestoreMark,
  signal: AbortSignal | undefined,
): Promise<void> {
  const name = `${before.name} (${before.object.value})`;
  if (before.isOn)
    throw new SendenseError('vsphere.busy', `the VM ${name} runs, so it is not written to`, {
      remedy: 'Somebody has started it before it was restored. Stop it, then run the restore again.',
    });
  if (before.point !== point)
    throw new SendenseError('target.unfit', `the VM ${name} is being made of ${before.point}, not of ${point}`);
  await assertOwnDisks(vsphere, before, signal);
}

/** Which disk of the new VM is which one of the old: by kind of controller, bus and unit, and nothing is taken for granted. */
async function madeDisks(
  vsphere: Vsphere,
  object: Moref,
  vm: WantedVm,
  signal: AbortSignal | undefined,
): Promise<NewVm['disks']> {
  const [shown] = await vsphere.properties([object], ['config.hardware.device'], signal ? { signal } : {});
  const made = disksOf(list(shown?.values.get('config.hardware.device'), 'VirtualDevice'));
  const found = new Map<number, NewDisk>();
  for (const { key, label, controllerKey, unit, bytes } of vm.disks) {
    const controller = vm.controllers.find((one) => one.key === controllerKey);
    const place = controller ? `${controller.family}${controller.bus}:${unit}` : `ide${controllerKey - 200}:${unit}`;
    const disk = made.find(({ address }) => address === place);
    if (!disk || disk.capacity_bytes !== bytes)
      throw new SendenseError(
        'target.unfit',
        `vSphere made ${disk ? `${label} with ${disk.capacity_bytes} bytes in place of ${bytes}` : `no disk at ${place} for ${label}`}`,
      );
    // What is written to a delta would be lost with the snapshot.
    if (disk.has_parent)
      throw new SendenseError('vsphere.busy', `${label} (${disk.file}) has a snapshot, so it is not written to`, {
        remedy: 'Remove the snapshots of the VM in vSphere, then run the restore again.',
      });
    found.set(key, { key: disk.key, file: disk.file, bytes });
  }
  return found;
}

/** It names devices by their keys, which are known only now. */
async function setBootOrder(
  vsphere: Vsphere,
  object: Moref,
  vm: WantedVm,
  disks: NewVm['disks'],
  signal: AbortSignal | undefined,
): Promise<void> {
  if (vm.boot.order.length === 0) return;
  const [shown] = await vsphere.properties([object], ['config.hardware.device'], signal ? { signal } : {});
  const made = list(shown?.values.get('config.hardware.device'), 'VirtualDevice').filter((device) =>
    at(device, 'macAddress'),
  );
  // Adapters are made in the order of the saved configuration, and have no place that could be asked for.
  const cards = new Map(vm.cards.map(({ key }, index) => [key, made[index]] as const));
  const keyOf = (key: number): number | undefined => {
    const card = cards.get(key);
    return disks.get(key)?.key ?? (card && plainInteger(card, 'key'));
  };
  const options = bootOptions(vm.boot, vm.secureBoot, keyOf);
  await vsphere.task(
    'ReconfigVM_Task',
    object,
    [['spec', { fields: [['bootOptions', options]] }]],
    signal ? { signal } : {},
  );
}
