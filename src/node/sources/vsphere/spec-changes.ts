import { SendenseError } from '../../../errors/sendense-error.ts';
import type { VmConfig, VmSpecChanges, VsphereSourceSpec } from '../../../schemas/types.ts';
import { connectVsphere } from '../../vsphere/connect.ts';
import { findVm } from '../../vsphere/inventory.ts';
import { vmConfig } from '../../vsphere/vm-config.ts';
import { vmConfigChanges } from '../../vsphere/vm-config-changes.ts';
import { vmFacts } from '../../vsphere/vm-facts.ts';
import type { DiscoverOptions } from '../source.ts';
import { addressOf } from './vsphere-address.ts';

/** How a VM differs now from a configuration of before. Changes nothing. @throws SendenseError `source.missing`, `vsphere.*` */
export async function specChanges(
  spec: VsphereSourceSpec,
  { vmName, login, signal }: DiscoverOptions,
  since: VmConfig,
): Promise<VmSpecChanges> {
  await using vsphere = await connectVsphere(addressOf(spec, login), { signal });
  const vm = await findVm(vsphere, { path: spec.path, moref: spec.moref, name: vmName }, signal);
  const facts = await vmFacts(vsphere, vm, signal);
  const now = await vmConfig(vsphere, {
    facts,
    snapshot: vm,
    disks: facts.disks.filter((disk) => disk.protected),
    download: notCompared,
    signal,
  });
  return {
    vm_name: facts.name,
    path: facts.path,
    moref: facts.moref,
    since: since.taken,
    taken: now.taken,
    changes: vmConfigChanges(since, now),
  };
}

/** The VM's files take no part in the comparison, so they are not fetched. */
const notCompared = (): Promise<Buffer> =>
  Promise.reject(new SendenseError('source.unsupported', 'it is not compared'));
