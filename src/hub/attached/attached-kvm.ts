import { usualLibvirt } from '../../host/libvirt/usual-libvirt.ts';
import type { State } from '../../state/database/open-state.ts';
import { attachedFolders } from '../../state/runs/attached-folders.ts';
import { attachedKvmDisks, detachKvm, shownDisk } from '../../targets/attach-kvm/detach-kvm.ts';
import type { Attached, KvmPlace } from './attach-place.ts';

/** The hub asks the libvirt of its machine. */
export const attachedInKvm = (state: State): Attached<KvmPlace> => ({
  async list({ place: { libvirt = usualLibvirt }, vm, signal }) {
    const disks = await attachedKvmDisks({ uri: libvirt, folders: attachedFolders(state), signal });
    const wanted = disks.filter((one) => vm === undefined || one.vm === vm || one.moref === vm.toLowerCase());
    return { version: 1, source: libvirt, disks: wanted.map(shownDisk) };
  },
  async detach({ place: { libvirt = usualLibvirt }, disks, forget = false, signal }) {
    const ids = disks.map(({ id }) => id);
    const done = await detachKvm({ uri: libvirt, folders: attachedFolders(state), ids, forget, signal });
    return { version: 1, source: libvirt, ...done };
  },
});
