import { SendenseError } from '../../../errors/sendense-error.ts';
import type { VsphereDisk } from '../../../schemas/types.ts';
import { identityOf } from '../../sources/vsphere/disk-info.ts';
import type { MarkedVm } from '../new-vm/marked-vm.ts';
import { markedVm } from '../new-vm/marked-vms.ts';
import { assertUntouched } from '../new-vm/untouched.ts';
import { disksOf } from '../vm-disks.ts';
import type { Vsphere } from '../vsphere.ts';
import type { Moref } from '../xml.ts';
import { attachMarkOption } from './attach-mark.ts';
import { attachedTo, type AttachedDisk } from './attached-disks.ts';
import { changeIdle, type ChangeOptions } from './change-idle.ts';
import { attachingDisk } from './disk-change.ts';
import { devicesIn } from './free-places.ts';
import { livingVm } from './living-vm.ts';

export interface Attaching {
  readonly vm: Moref;
  readonly run: string;
  readonly point: string;
  /** The VM that the restore point is of. */
  readonly of: string;
  readonly disks: readonly {
    /** In the restore point, `disk-1`. */
    readonly disk: string;
    /** Of the VM that it was made with: when it was asked for, and as vSphere has made it. */
    readonly key: number;
    readonly deviceKey: number;
  }[];
}

interface WholeDisk {
  readonly disk: string;
  readonly id: string;
  readonly file: string;
  readonly bytes: number;
}

/** Those that a run has attached; none: it has not come so far, or they were detached since. */
export async function attachedBy(
  vsphere: Vsphere,
  { vm, run }: Pick<Attaching, 'vm' | 'run'>,
  signal?: AbortSignal,
): Promise<AttachedDisk[]> {
  const found = await attachedTo(vsphere, vm, signal);
  return (found?.disks ?? []).filter(({ mark, disk }) => mark?.run === run && disk !== null);
}

/**
 * Attaches disks that are whole to a VM, all of them or none, with a mark. The VM that they were made with has them, too, until
 * `releaseHelper`: of two VMs that have a disk only one can run, and at no moment is there a disk that belongs to nobody.
 * @throws SendenseError `target.unfit`, `vsphere.*`
 */
export async function attachDisks(vsphere: Vsphere, attaching: Attaching, options: ChangeOptions): Promise<void> {
  const { vm, run, point, of, disks } = attaching;
  const { signal } = options;
  const helper = await markedVm(vsphere, run, signal);
  const whole = await wholeDisks(vsphere, helper, attaching, signal);
  const wanted = { point, disks: disks.map(({ disk }) => disk) };
  const time = new Date().toISOString();
  await changeIdle(
    vsphere,
    vm,
    async () => {
      const { places, identity } = await livingVm(vsphere, vm, wanted, signal);
      return [
        [
          'deviceChange',
          whole.flatMap((disk, nth) => {
            const place = places[nth];
            return place ? [attachingDisk(disk, place, nth)] : [];
          }),
        ],
        [
          'extraConfig',
          whole.map(({ id, disk, file }) => attachMarkOption(id, { run, point, disk, of, vm: identity, time, file })),
        ],
      ];
    },
    options,
  );
}

/** @throws SendenseError `target.unfit` where a disk is not there or not whole */
async function wholeDisks(
  vsphere: Vsphere,
  helper: MarkedVm | null,
  { point, disks }: Attaching,
  signal: AbortSignal | undefined,
): Promise<WholeDisk[]> {
  if (helper === null || helper.mark.point !== point)
    throw new SendenseError('target.unfit', 'the VM with the disks that are to be attached is not there any more', {
      remedy: 'Somebody has deleted it, or changed its notes. Run the attach again: it makes the disks anew.',
    });
  await assertUntouched(vsphere, helper, signal);
  const own = disksIn(helper);
  return disks.map(({ disk, key, deviceKey }) => {
    const found = own.find((one) => one.key === deviceKey);
    if (found && helper.notes?.copied.has(key) === true)
      return { disk, id: identityOf(found), file: found.file, bytes: found.capacity_bytes };
    throw new SendenseError('target.unfit', `${disk} on the VM ${helper.name} is not copied whole`, {
      remedy: 'Run the attach again: it writes the disk anew.',
    });
  });
}

export const disksIn = ({ values }: Pick<MarkedVm, 'values'>): VsphereDisk[] =>
  disksOf(devicesIn(values.get('config.hardware')));
