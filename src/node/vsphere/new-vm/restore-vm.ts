import type { VmConfig } from '../../../schemas/types.ts';
import type { TransportContext } from '../transports/transport.ts';
import { checkVddkForWriting } from '../transports/vddk.ts';
import type { Vsphere } from '../vsphere.ts';
import { readDiskNotes, writeDiskNotes } from './disk-notes.ts';
import { assertSize, fillDisk } from './fill-disk.ts';
import { judgePlace } from './judge-place.ts';
import { makeVm, type NewVm } from './make-vm.ts';
import { findPlace, type WantedPlace } from './place.ts';
import { putNvram } from './put-nvram.ts';
import type { RestoreMark } from './restore-mark.ts';
import type { SpecOptions } from './vm-spec.ts';
import { wantedVm, type WantedVm } from './wanted-vm.ts';

export interface RestoredDisk {
  /** NBD URI, read-only. */
  readonly from: string;
  readonly bytes: number;
  /** Bytes that hold data. */
  readonly used: number;
}

export interface VmRestore extends Pick<SpecOptions, 'mac' | 'identity' | 'connect' | 'thin'> {
  readonly config: VmConfig;
  /** By key. */
  readonly disks: ReadonlyMap<number, RestoredDisk>;
  readonly wanted: WantedPlace;
  readonly mark: RestoreMark;
  readonly withoutTpm: boolean;
  /** Hears how far each disk is, from 0 to 1. */
  onProgress?(key: number, fraction: number): void;
}

export interface RestoredVm extends NewVm {
  /** That it gets when it is finished. */
  readonly annotation: string;
  /** What the VM does not have of the old one, in words. */
  readonly leftOut: readonly string[];
}

/**
 * Makes a VM of a restore point. All that can be found out is found out before anything is made. The VM stays marked until `finishVm`
 * is called: until then `removeUnfinished` removes it, and calling this again with the same mark goes on with it.
 * @throws SendenseError `target.unfit`, `transport.*`, `vsphere.*`
 */
export async function restoreVm(vsphere: Vsphere, context: TransportContext, request: VmRestore): Promise<RestoredVm> {
  const { signal } = context;
  const { config, disks, wanted, mark, thin } = request;
  const sizes = new Map([...disks].map(([key, { bytes }]) => [key, bytes] as const));
  const vm = wantedVm(config, { disks: sizes, withoutTpm: request.withoutTpm });
  await checkVddkForWriting(context);
  for (const { key, label } of vm.disks) {
    const disk = disks.get(key);
    if (disk) await assertSize({ ...disk, label }, signal);
  }
  const place = await findPlace(vsphere, wanted, signal);
  const used = new Map([...disks].map(([key, disk]) => [key, disk.used] as const));
  const fitting = await judgePlace(vsphere, { vm, wanted, place, thin, used, run: mark.run }, signal);
  const made = await makeVm(vsphere, vm, { ...request, name: wanted.name, fitting, place }, signal);
  await fillDisks(vsphere, context, request, { vm, made });
  if (vm.nvram)
    await putNvram(vsphere, context, { object: made.object, datacenter: place.datacenter, content: vm.nvram });
  return { ...made, annotation: vm.annotation, leftOut: vm.leftOut };
}

/** Disks that an earlier try has copied whole are left alone: a small step that fails late must not cost hours. */
async function fillDisks(
  vsphere: Vsphere,
  context: TransportContext,
  request: VmRestore,
  { vm, made }: { readonly vm: WantedVm; readonly made: NewVm },
): Promise<void> {
  const { signal } = context;
  const { object } = made;
  const before = await readDiskNotes(vsphere, object, signal);
  const [begun, copied] = [new Set(before.begun), new Set(before.copied)];
  for (const { key, label } of vm.disks) {
    const [disk, source] = [made.disks.get(key), request.disks.get(key)];
    if (!disk || !source || copied.has(key)) continue;
    const isEmpty = !begun.has(key);
    await writeDiskNotes(vsphere, object, { begun: begun.add(key), copied }, signal);
    const onProgress = (fraction: number): void => request.onProgress?.(key, fraction);
    await fillDisk(context, { vm: object, key, label, disk, from: source.from, isEmpty, onProgress });
    await writeDiskNotes(vsphere, object, { begun, copied: copied.add(key) }, signal);
  }
}
