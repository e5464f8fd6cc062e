import type { VsphereVm } from '../../schemas/types.ts';
import type { Vsphere } from './vsphere.ts';
import { datastorePaths, datastoreTypes } from './datastore-types.ts';
import { inventoryTree, placePaths } from './inventory-paths.ts';
import { vmFrom, vmPaths } from './vm-properties.ts';
import { optionalMoref, optionalText } from './xml.ts';

/** All VMs with what would stop or weaken a backup of each, by path. Events are not asked for: `last_revert` is null. */
export async function listVms(
  vsphere: Vsphere,
  signal?: AbortSignal,
): Promise<{ readonly vms: VsphereVm[]; readonly warnings: string[] }> {
  const options = signal ? { signal } : {};
  const [tree, vms, hosts, stores, offset] = await Promise.all([
    inventoryTree(vsphere, signal),
    vsphere.all('VirtualMachine', [...new Set([...vmPaths, ...placePaths])], options),
    vsphere.all('HostSystem', ['name'], options),
    vsphere.all('Datastore', datastorePaths, options),
    vsphere.clockOffset(signal),
  ]);
  const hostNames = new Map(
    hosts.map(({ object, values }) => [object.value, optionalText(values.get('name')) ?? null]),
  );
  const types = datastoreTypes(stores);
  const listed = vms.map((vm) =>
    vmFrom(
      vm,
      {
        path: tree.pathOf(vm),
        datacenter: tree.datacenterOf(vm),
        host: hostNames.get(optionalMoref(vm.values.get('runtime.host'))?.value ?? '') ?? null,
        reverts: null,
        datastoreTypes: types,
      },
      offset,
    ),
  );
  const hidden = vms.filter(({ values }) => !values.has('config.hardware.device')).length;
  return {
    vms: listed.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)),
    warnings:
      hidden > 0 ? [`the configuration of ${hidden} VMs cannot be read (no permission, or not accessible)`] : [],
  };
}
