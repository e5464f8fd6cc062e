import type { Vsphere } from '../vsphere.ts';
import type { Moref } from '../xml.ts';
import { attachMarksIn } from './attach-mark.ts';
import { attachedTo, type AttachedDisk } from './attached-disks.ts';

export interface VmWithAttached {
  readonly vm: Moref;
  readonly name: string;
  readonly disks: readonly AttachedDisk[];
}

/** Every VM to which a restore has attached disks, or only this one. @throws SendenseError `vsphere.*` */
export async function listAttached(
  vsphere: Vsphere,
  only: Moref | null,
  signal?: AbortSignal,
): Promise<VmWithAttached[]> {
  const found = only === null ? await markedVms(vsphere, signal) : [only];
  const listed: VmWithAttached[] = [];
  for (const vm of found) {
    const shown = await attachedTo(vsphere, vm, signal);
    if (shown) listed.push({ vm, ...shown });
  }
  return listed;
}

async function markedVms(vsphere: Vsphere, signal?: AbortSignal): Promise<Moref[]> {
  const all = await vsphere.all('VirtualMachine', ['config.extraConfig'], signal ? { signal } : {});
  return all
    .filter(({ values }) => attachMarksIn(values.get('config.extraConfig')).length > 0)
    .map(({ object }) => object);
}
