import { identityOf } from '../../sources/vsphere/disk-info.ts';
import { notesOption } from '../new-vm/disk-notes.ts';
import { changeVm } from '../new-vm/marked-vm.ts';
import { markedVm } from '../new-vm/marked-vms.ts';
import { removeUnfinished } from '../new-vm/remove-unfinished.ts';
import type { Vsphere } from '../vsphere.ts';
import { attachedBy, disksIn, type Attaching } from './attach-disks.ts';
import { detachingDisk } from './disk-change.ts';

/**
 * Takes the disks that another VM has got from the VM that they were made with, whose files stay, and removes that VM. "Nothing there"
 * is success.
 * @returns why it stays, with its name; null: it is gone
 * @throws SendenseError `vsphere.*`
 */
export async function releaseHelper(
  vsphere: Vsphere,
  attaching: Pick<Attaching, 'vm' | 'run'>,
  signal?: AbortSignal,
): Promise<string | null> {
  const { run } = attaching;
  const helper = await markedVm(vsphere, run, signal);
  if (helper === null) return null;
  const given = new Set((await attachedBy(vsphere, attaching, signal)).map(({ id }) => id));
  if (!helper.isOn && !helper.hasSnapshot)
    await changeVm(
      vsphere,
      helper.object,
      (seen) => {
        const gone = disksIn(seen).filter((disk) => given.has(identityOf(disk)));
        if (gone.length === 0 || seen.mark?.run !== run || seen.notes === null) return [];
        // From here on its hardware is another one, by our hand.
        const notes = { ...seen.notes, begun: new Set<number>(), copied: new Set<number>(), hardware: null };
        return [
          ['deviceChange', gone.map((disk) => detachingDisk(disk, 'keep'))],
          ['extraConfig', [notesOption(notes)]],
        ];
      },
      signal,
    );
  const { left } = await removeUnfinished(vsphere, run, signal ? { signal } : {});
  return left === null ? null : `the VM ${left.name} (${left.vm}) stays in vSphere: ${left.why}`;
}
