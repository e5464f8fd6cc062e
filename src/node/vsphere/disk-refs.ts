import type { VsphereDisk, VsphereVm } from '../../schemas/types.ts';
import { datastoreTypesOf } from './datastore-types.ts';
import { diskTitle } from './snapshot-disks.ts';
import type { SnapshotDiskRef } from './transports/transport.ts';
import type { Vsphere } from './vsphere.ts';
import type { Moref } from './xml.ts';

/**
 * What transports need to know of disks.
 * @param snapshot managed object id; empty: the VM is off and has none
 */
export async function diskRefs(
  vsphere: Vsphere,
  facts: Pick<VsphereVm, 'moref' | 'datacenter' | 'host'>,
  snapshot: string,
  disks: readonly VsphereDisk[],
  signal?: AbortSignal,
): Promise<SnapshotDiskRef[]> {
  const vm: Moref = { type: 'VirtualMachine', value: facts.moref };
  const [found] = await vsphere.properties([vm], ['datastore'], signal ? { signal } : {});
  const types = await datastoreTypesOf(vsphere, found, signal);
  return disks.map((disk) => ({
    vmMoref: facts.moref,
    snapshotMoref: snapshot,
    key: disk.key,
    label: diskTitle(disk),
    file: disk.file,
    capacity: disk.capacity_bytes,
    backing: disk.backing,
    hasParent: disk.has_parent,
    encrypted: disk.encrypted ?? false,
    datacenter: facts.datacenter,
    datastoreType: disk.datastore === null ? null : (types.get(disk.datastore) ?? null),
    host: facts.host,
  }));
}
