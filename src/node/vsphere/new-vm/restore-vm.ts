import type { VmConfig } from '../../../schemas/types.ts';
import type { TransportContext } from '../transports/transport.ts';
import { checkVddkForWriting } from '../transports/vddk.ts';
import type { Vsphere } from '../vsphere.ts';
import { assertSize, fillDisk } from './fill-disk.ts';
import { judgePlace } from './judge-place.ts';
import { makeVm, type NewVm } from './make-vm.ts';
import { lookAtVm } from './marked-vm.ts';
import { findPlace, type WantedPlace } from './place.ts';
import { putNvram } from './put-nvram.ts';
import type { RestoreMark } from './restore-mark.ts';
import { noteDisks, takeOver } from './take-over.ts';
import type { SpecOptions } from './vm-spec.ts';
import { wantedVm, type WantedVm } from './wanted-vm.ts';

export interface RestoredDisk {
  /** NBD URI, read-only. */
  readonly from: string;
  /** Its pre-shared key. */
  readonly psk?: string | null;
  readonly bytes: number;
  /** Bytes that hold data. */
  readonly used: number;
}

export interface VmRestore extends Pick<SpecOptions, 'mac' | 'identity' | 'connect' | 'thin' | 'asked'> {
  readonly config: VmConfig;
  /** By key. */
  readonly disks: ReadonlyMap<number, RestoredDisk>;
  readonly wanted: WantedPlace;
  readonly mark: RestoreMark;
  readonly withoutTpm: boolean;
  /** The run that began the VM; null: this one does. */
  readonly takesOver?: string | null;
  /** Hears how far each disk is, from 0 to 1. `isKept`: an earlier try has copied it. */
  onProgress?(key: number, fraction: number, isKept: boolean): void;
  /** Hears what is done while no bytes move. */
  onActivity?(what: string | null): void;
  /** Hears of the VM as soon as it is there. */
  onMade?(vm: RestoredVm): void;
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
    if (disk) await assertSize({ psk: null, ...disk, label }, signal);
  }
  const place = await findPlace(vsphere, wanted, signal);
  const { takesOver = null, asked = '' } = request;
  if (takesOver !== null) await takeOver(vsphere, takesOver, mark, asked, signal);
  const used = new Map([...disks].map(([key, disk]) => [key, disk.used] as const));
  const fitting = await judgePlace(vsphere, { vm, wanted, place, thin, used, run: mark.run }, signal);
  request.onActivity?.('making the VM');
  const made = await makeVm(vsphere, vm, { ...request, name: wanted.name, fitting, place }, signal);
  const restored = { ...made, annotation: vm.annotation, leftOut: vm.leftOut };
  request.onMade?.(restored);
  await fillDisks(vsphere, context, request, { vm, made });
  request.onActivity?.('putting the NVRAM into place');
  if (vm.nvram)
    await putNvram(vsphere, context, { object: made.object, datacenter: place.datacenter, content: vm.nvram });
  return restored;
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
  const { run } = request.mark;
  const before = (await lookAtVm(vsphere, object, signal))?.notes;
  const [begun, copied] = [new Set(before?.begun), new Set(before?.copied)];
  for (const { key, label } of vm.disks) {
    const [disk, source] = [made.disks.get(key), request.disks.get(key)];
    if (!disk || !source) continue;
    if (copied.has(key)) {
      request.onProgress?.(key, 1, true);
      continue;
    }
    request.onActivity?.(`opening ${label} for writing`);
    const isEmpty = !begun.has(key);
    await noteDisks(vsphere, object, run, (notes) => ({ begun: new Set([...notes.begun, key]) }), signal);
    const onOpen = (): void => request.onActivity?.(null);
    const onProgress = (fraction: number): void => {
      // The last word is said when it is noted down.
      if (fraction < 1) request.onProgress?.(key, fraction, false);
    };
    const { from, psk = null } = source;
    await fillDisk(context, { vm: object, key, label, disk, from, psk, isEmpty, onOpen, onProgress });
    await noteDisks(vsphere, object, run, (notes) => ({ copied: new Set([...notes.copied, key]) }), signal);
    request.onProgress?.(key, 1, false);
  }
}
