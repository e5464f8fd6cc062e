import type { VsphereDisk } from '../../../schemas/types.ts';
import { identityOf } from '../../sources/vsphere/disk-info.ts';
import { lookAtVm, type SeenVm } from '../new-vm/marked-vm.ts';
import { disksOf } from '../vm-disks.ts';
import { decodedName } from '../vm-properties.ts';
import { lookAtVm as lookAtState } from '../vm-state.ts';
import type { Vsphere } from '../vsphere.ts';
import { list, type Moref } from '../xml.ts';
import { attachMarksIn, type KeptMark } from './attach-mark.ts';
import { devicesIn } from './free-places.ts';
import { identityIn } from './living-vm.ts';

/** A disk that a restore has attached, as the VM has it now. */
export interface AttachedDisk extends KeptMark {
  /** null: the VM does not have it any more. */
  readonly disk: VsphereDisk | null;
  /** Why it is not ours to remove; null: nothing speaks against that. */
  readonly problem: string | null;
}

export interface AttachedTo {
  readonly name: string;
  readonly disks: readonly AttachedDisk[];
}

/** What of a VM does not change while it is looked at again. */
interface Around {
  readonly identity: string;
  /** Names of snapshots, by the identities of the disks that are in them. */
  readonly inSnapshots: ReadonlyMap<string, string>;
}

/** @returns null: there is no such VM. @throws SendenseError `vsphere.*` */
export async function attachedTo(vsphere: Vsphere, object: Moref, signal?: AbortSignal): Promise<AttachedTo | null> {
  const seen = await lookAtVm(vsphere, object, signal);
  const [shown] = await vsphere.properties([object], ['config.instanceUuid'], signal ? { signal } : {});
  if (seen === null || !shown) return null;
  const around = { identity: identityIn(shown, object), inSnapshots: await snapshotsOf(vsphere, object, signal) };
  return { name: decodedName(seen.name), disks: attachedIn(seen, around) };
}

const attachedIn = (seen: SeenVm, around: Around): AttachedDisk[] => {
  const own = disksOf(devicesIn(seen.values.get('config.hardware')));
  return attachMarksIn(seen.values.get('config.extraConfig')).map((kept) => {
    const disk = own.find((one) => identityOf(one) === kept.id) ?? null;
    return { ...kept, disk, problem: problemOf(kept, disk, around) };
  });
};

function problemOf({ id, mark }: KeptMark, disk: VsphereDisk | null, { identity, inSnapshots }: Around): string | null {
  if (mark === null) return 'what the configuration says of it cannot be read';
  if (mark.vm !== identity) return 'the VM is a copy of the one that got the disk';
  if (disk === null)
    return `it is not on the VM any more: somebody has removed or replaced it. Its file was ${mark.file}`;
  const snapshot = inSnapshots.get(id);
  if (snapshot !== undefined || disk.has_parent) return `it is in the snapshot ${snapshot ?? 'of somebody'}`;
  return disk.mode === 'independent_persistent' ? null : `its mode is ${disk.mode}: somebody has changed it`;
}

/** A snapshot lists disks that it does not freeze, too: going back to it would want their files. */
async function snapshotsOf(vsphere: Vsphere, object: Moref, signal?: AbortSignal): Promise<Map<string, string>> {
  const { snapshots } = await lookAtState(vsphere, object, signal);
  const names = new Map(snapshots.map(({ moref, name }) => [moref.value, name]));
  const shown = await vsphere.properties(
    snapshots.map(({ moref }) => moref),
    ['config.hardware'],
    signal ? { signal } : {},
  );
  return new Map(
    shown.flatMap(({ object: { value }, values }) =>
      disksOf(list(values.get('config.hardware'), 'device')).map(
        (disk) => [identityOf(disk), names.get(value) ?? value] as const,
      ),
    ),
  );
}
