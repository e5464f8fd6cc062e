import type { TransportContext } from '../transports/transport.ts';
import type { Vsphere } from '../vsphere.ts';
import { assertSize } from './fill-disk.ts';
import { judgePlace } from './judge-place.ts';
import { makeVm } from './make-vm.ts';
import { findPlace } from './place.ts';
import { putNvram } from './put-nvram.ts';
import { takeOver } from './take-over.ts';
import type { RestoredVm, VmRestore } from './vm-restore.ts';
import { wantedVm } from './wanted-vm.ts';
import { chooseWriteWay, saidOf } from './write-way.ts';
import { writeDisks } from './write-disks.ts';

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
  for (const { key, label } of vm.disks) {
    const disk = disks.get(key);
    if (disk) await assertSize({ psk: null, ...disk, label }, signal);
  }
  const place = await findPlace(vsphere, wanted, signal);
  const used = new Map([...disks].map(([key, disk]) => [key, disk.used] as const));
  const way = await chooseWriteWay(vsphere, context, { place, wanted, disks: vm.disks, used });
  request.onWay?.(saidOf(way));
  const { takesOver = null, asked = '' } = request;
  if (takesOver !== null) await takeOver(vsphere, takesOver, mark, asked, signal);
  const judged = { vm, wanted, place, thin, used, run: mark.run, by: way.name };
  const fitting = await judgePlace(vsphere, judged, signal);
  request.onActivity?.('making the VM');
  const options = { ...request, name: wanted.name, files: wanted.files, fitting, place };
  const made = await makeVm(vsphere, vm, options, signal);
  const restored = { ...made, leftOut: [...vm.leftOut, ...made.otherMacs] };
  request.onMade?.(restored);
  const written = await writeDisks(vsphere, context, { request, vm, made, options, by: way.name });
  request.onActivity?.('putting the NVRAM into place');
  if (vm.nvram)
    await putNvram(vsphere, context, { object: made.object, datacenter: place.datacenter, content: vm.nvram });
  return { ...restored, disks: written };
}
