import { createHash } from 'node:crypto';
import type { DiskInfo, NotProtected, VsphereDisk, VsphereSourceSpec, VsphereVm } from '../../../schemas/types.ts';
import { diskTitle, notProtected } from '../../vsphere/snapshot-disks.ts';

/** The disk across runs: its backing's uuid, or what follows from its file's name where it has none. */
export const identityOf = (disk: Pick<VsphereDisk, 'uuid' | 'file'>): string =>
  disk.uuid ?? `file-${createHash('sha256').update(baseFile(disk.file)).digest('hex').slice(0, 32)}`;

/** The file without the number of a delta: a snapshot that comes or goes does not make it another disk. */
export const baseFile = (file: string): string => file.replace(/-[0-9]{6}\.vmdk$/, '.vmdk');

/**
 * The disks that a backup of the VM can have.
 * @param allocated what is known of the bytes that their files take, by key
 */
export function diskInfos(
  vm: VsphereVm,
  spec: VsphereSourceSpec,
  allocated: ReadonlyMap<number, number> = new Map(),
): DiskInfo[] {
  const tracked =
    spec.cbt !== 'off' && vm.cbt.supported && (vm.cbt.enabled || spec.cbt === 'enable' || spec.cbt === 'require');
  return vm.disks
    .filter((disk) => disk.protected)
    .map((disk) => ({
      key: String(disk.key),
      uuid: identityOf(disk),
      label: diskTitle(disk),
      path: baseFile(disk.file),
      format: disk.backing,
      capacity_bytes: disk.capacity_bytes,
      allocated_bytes: atMost(allocated.get(disk.key), disk.capacity_bytes),
      change_tracking: tracked ? 'cbt' : 'digest',
      change_id: null,
      changed_since: null,
      changed_bytes: null,
      still: true,
      warnings: disk.uuid === null ? ['the disk has no uuid of its own; it is known by the name of its file'] : [],
    }));
}

export const notProtectedDisks = (vm: VsphereVm): NotProtected[] =>
  vm.disks.filter((disk) => !disk.protected).map((disk) => notProtected(disk, 'it takes no part in snapshots'));

/** Files have a little more than what is in them. */
const atMost = (bytes: number | undefined, capacity: number): number | null =>
  bytes === undefined ? null : Math.min(bytes, capacity);
