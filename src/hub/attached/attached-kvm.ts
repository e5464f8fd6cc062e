import { usualLibvirt } from '../../host/libvirt/usual-libvirt.ts';
import { attachedKvmDisks, detachKvm, shownDisk } from '../../targets/attach-kvm/detach-kvm.ts';
import type { Attached, KvmPlace } from './attach-place.ts';

/** The hub asks the libvirt of its machine. */
export const attachedInKvm = (): Attached<KvmPlace> => ({
  async list({ place: { libvirt = usualLibvirt }, vm, signal }) {
    const disks = await attachedKvmDisks(libvirt, vm, signal);
    return { version: 1, source: libvirt, disks: disks.map(shownDisk) };
  },
  async detach({ place: { libvirt = usualLibvirt }, disks, forget = false, signal }) {
    const done = await detachKvm({ uri: libvirt, ids: disks.map(({ id }) => id), forget, signal });
    return { version: 1, source: libvirt, ...done };
  },
});
