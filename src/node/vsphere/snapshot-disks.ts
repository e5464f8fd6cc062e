import { SendenseError } from '../../errors/sendense-error.ts';
import type { NotProtected, VsphereDisk } from '../../schemas/types.ts';
import type { Moref } from './connect.ts';
import type { Vsphere } from './vsphere.ts';
import { vmDisks } from './vm-disks.ts';

export interface SnapshotDisks {
  /** Those that take part, as the snapshot's own configuration shows them: key, size and file are to be taken from here. */
  readonly disks: readonly VsphereDisk[];
  readonly notProtected: readonly NotProtected[];
}

export async function snapshotDisks(
  vsphere: Vsphere,
  vm: Moref,
  snapshot: Moref,
  signal?: AbortSignal,
): Promise<SnapshotDisks> {
  const found = await vsphere.properties([vm, snapshot], ['config'], signal ? { signal } : {});
  const [live, frozen] = [vm, snapshot].map(({ value }) => {
    const config = found.find(({ object }) => object.value === value)?.values.get('config');
    if (!config) throw new SendenseError('snapshot.failed', `vSphere shows no configuration of ${value}`);
    return vmDisks(config);
  });
  return divideDisks(live ?? [], frozen ?? []);
}

/** What is said of a disk that takes no part. `otherwise`: why, where its kind is no reason. */
export const notProtected = (disk: VsphereDisk, otherwise: string): NotProtected => ({
  label: diskTitle(disk),
  uuid: disk.uuid,
  reason: disk.not_protected_reason ?? otherwise,
});

/** Hard disk 1 (scsi0:0) */
export const diskTitle = ({ label, address }: VsphereDisk): string => `${label} (${address})`;

/** Of the VM's disks and the snapshot's, matched by uuid: those that take part in the snapshot, and all others. */
export function divideDisks(live: readonly VsphereDisk[], frozen: readonly VsphereDisk[]): SnapshotDisks {
  const isFrozen = (disk: VsphereDisk): boolean =>
    frozen.some((one) => (disk.uuid === null ? one.key === disk.key : one.uuid === disk.uuid));
  const others = [...frozen.filter((disk) => !disk.protected), ...live.filter((disk) => !isFrozen(disk))];
  return {
    disks: frozen.filter((disk) => disk.protected),
    notProtected: others.map((disk) => notProtected(disk, 'the disk is not in the snapshot')),
  };
}
