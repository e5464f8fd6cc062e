import { SendenseError } from '../../errors/sendense-error.ts';
import type { VsphereVm } from '../../schemas/types.ts';
import type { Moref } from './connect.ts';
import type { Vsphere } from './vsphere.ts';
import { datastoreTypesOf } from './datastore-types.ts';
import { placePaths, treeAbove } from './inventory-paths.ts';
import { lastRevert } from './last-revert.ts';
import { vmFrom, vmPaths } from './vm-properties.ts';
import { optionalMoref, optionalText } from './xml.ts';

/** What is known of one VM. @throws SendenseError `source.missing`, `vsphere.*` */
export async function vmFacts(vsphere: Vsphere, vm: Moref, signal?: AbortSignal): Promise<VsphereVm> {
  const options = signal ? { signal } : {};
  const paths = [...new Set([...vmPaths, ...placePaths, 'datastore', 'config.extraConfig'])];
  const [[found], offset] = await Promise.all([vsphere.properties([vm], paths, options), vsphere.clockOffset(signal)]);
  if (!found) throw new SendenseError('source.missing', `there is no VM ${vm.value} (any more)`);
  const host = optionalMoref(found.values.get('runtime.host'));
  const [tree, [hostFacts], stores, reverts] = await Promise.all([
    treeAbove(vsphere, found, signal),
    host ? vsphere.properties([host], ['name'], options) : [],
    datastoreTypesOf(vsphere, found, signal),
    lastRevert(vsphere, vm, offset, signal),
  ]);
  return vmFrom(
    found,
    {
      path: tree.pathOf(found),
      datacenter: tree.datacenterOf(found),
      host: optionalText(hostFacts?.values.get('name')) ?? null,
      reverts,
      datastoreTypes: stores,
    },
    offset,
  );
}
