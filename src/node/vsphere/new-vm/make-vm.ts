import { SendenseError } from '../../../errors/sendense-error.ts';
import type { SoapArg, SoapObject } from '../encode-soap.ts';
import { faultOf } from '../fault.ts';
import { disksOf } from '../vm-disks.ts';
import type { Vsphere } from '../vsphere.ts';
import { at, list, moref, optionalText, plainInteger, type Moref } from '../xml.ts';
import { notesOption } from './disk-notes.ts';
import { endCarriers } from './give-disk.ts';
import { changeVm, type MarkedVm, type SeenVm } from './marked-vm.ts';
import { awaitMarked, markedVm } from './marked-vms.ts';
import { assertOwnDisks } from './own-disks.ts';
import type { Place } from './place.ts';
import type { RestoreMark } from './restore-mark.ts';
import { assertUntouched } from './untouched.ts';
import { bootOptions } from './wanted-boot.ts';
import { vmSpec, type SpecOptions } from './vm-spec.ts';
import type { WantedDisk } from './wanted-disks.ts';
import type { WantedVm } from './wanted-vm.ts';

export interface NewVm {
  readonly object: Moref;
  /** False: a try of before has made it. */
  readonly isNew: boolean;
  /** By the key of the disk in the saved configuration. */
  readonly disks: ReadonlyMap<number, NewDisk>;
  /** MAC addresses that it was to keep and has not, in words. */
  readonly otherMacs: readonly string[];
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
  const before = await markedVm(vsphere, given.mark.run, signal);
  if (before) {
    // They have disks of the VM, which would look as if they were other VMs' disks.
    await endCarriers(vsphere, before, { signal });
    await assertUsable(vsphere, before, given.mark, signal);
  }
  const object = before?.object ?? (await created(vsphere, vm, given, signal));
  const { disks, macs } = await settleVm(vsphere, object, vm, given.mark, signal);
  return { object, isNew: before === null, disks, otherMacs: given.mac === 'keep' ? otherMacs(vm, macs) : [] };
}

/** vCenter gives another address to a card whose own another VM has, and says nothing. In words. */
const otherMacs = ({ cards }: WantedVm, made: readonly string[]): string[] =>
  cards.flatMap(({ label, mac }, index) => {
    const given = made[index];
    return mac === null || given === undefined || given === mac
      ? []
      : [`the MAC address ${mac} of ${label}, in place of which vSphere gave it ${given}`];
  });

/** Where nobody answers whether the VM is made, it is looked for by its mark. */
async function created(
  vsphere: Vsphere,
  vm: WantedVm,
  given: SpecOptions & { readonly place: Place },
  signal: AbortSignal | undefined,
): Promise<Moref> {
  const { folder, pool, host } = given.place;
  const args: readonly SoapArg[] = [
    ['config', vmSpec(vm, given)],
    ['pool', pool],
    ['host', host ?? undefined],
  ];
  try {
    return moref(await vsphere.task('CreateVM_Task', folder, args, signal ? { signal } : {}));
  } catch (error) {
    signal?.throwIfAborted();
    const isLost =
      error instanceof SendenseError &&
      ['vsphere.unreachable', 'vsphere.protocol'].includes(error.code) &&
      faultOf(error) === null;
    const found = isLost ? await awaitMarked(vsphere, given.mark.run, signal) : null;
    if (found === null) throw error;
    return found.object;
  }
}

/** Whether what a try of before has made can be written to. @throws SendenseError `vsphere.busy`, `target.unfit` */
async function assertUsable(
  vsphere: Vsphere,
  before: MarkedVm,
  { point }: RestoreMark,
  signal: AbortSignal | undefined,
): Promise<void> {
  const name = `${before.name} (${before.object.value})`;
  if (before.mark.point !== point)
    throw new SendenseError('target.unfit', `the VM ${name} is being made of ${before.mark.point}, not of ${point}`);
  await assertUntouched(vsphere, before, signal);
  await assertOwnDisks(vsphere, before, signal);
}

interface Settled {
  readonly disks: NewVm['disks'];
  /** Of its cards, in their order. */
  readonly macs: readonly string[];
}

/**
 * Ends a change of the VM by us. Sets the boot order, which names devices by keys that are known only now, and has the VM remember how it is made: what
 * somebody does to it from here on is seen.
 * @throws SendenseError `vsphere.*`, `target.unfit` where vSphere made something else, or somebody has used it
 */
export async function settleVm(
  vsphere: Vsphere,
  object: Moref,
  vm: WantedVm,
  { run }: RestoreMark,
  signal: AbortSignal | undefined,
): Promise<Settled> {
  let settled: Settled = { disks: new Map(), macs: [] };
  const decide = async (seen: SeenVm): Promise<readonly SoapArg[]> => {
    if (seen.mark?.run !== run || seen.notes === null)
      throw new SendenseError('target.unfit', `the VM ${seen.name} (${object.value}) lost its mark while it was made`);
    await assertUntouched(vsphere, { ...seen, mark: seen.mark }, signal);
    const disks = madeDisks(seen, vm);
    settled = { disks, macs: cardsOf(seen).map((card) => (optionalText(card, 'macAddress') ?? '').toLowerCase()) };
    const notes = { ...seen.notes, vm: object.value, hardware: seen.hardware, starts: seen.starts };
    return [
      ['extraConfig', [notesOption(notes)]],
      ['bootOptions', bootOrder(seen, vm, disks)],
    ];
  };
  await changeVm(vsphere, object, decide, signal);
  return settled;
}

const devicesOf = ({ values }: SeenVm) => list(values.get('config.hardware'), 'device');

/** Adapters are made in the order of the saved configuration, and have no place that could be asked for. */
const cardsOf = (seen: SeenVm) => devicesOf(seen).filter((device) => at(device, 'macAddress'));

/** Which disk of the new VM is which one of the old: by kind of controller, bus and unit, and nothing is taken for granted. */
function madeDisks(seen: SeenVm, vm: WantedVm): NewVm['disks'] {
  const made = disksOf(devicesOf(seen));
  const found = new Map<number, NewDisk>();
  for (const wanted of vm.disks) {
    const { key, label, bytes } = wanted;
    const place = addressOf(vm, wanted);
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

/** `scsi0:1` */
export function addressOf(
  { controllers }: Pick<WantedVm, 'controllers'>,
  { controllerKey, unit }: Pick<WantedDisk, 'controllerKey' | 'unit'>,
): string {
  const controller = controllers.find((one) => one.key === controllerKey);
  return controller ? `${controller.family}${controller.bus}:${unit}` : `ide${controllerKey - 200}:${unit}`;
}

function bootOrder(seen: SeenVm, vm: WantedVm, disks: NewVm['disks']): SoapObject | undefined {
  if (vm.boot.order.length === 0) return undefined;
  const made = cardsOf(seen);
  const cards = new Map(vm.cards.map(({ key }, index) => [key, made[index]] as const));
  const keyOf = (key: number): number | undefined => {
    const card = cards.get(key);
    return disks.get(key)?.key ?? (card && plainInteger(card, 'key'));
  };
  return bootOptions(vm.boot, vm.secureBoot, keyOf);
}
