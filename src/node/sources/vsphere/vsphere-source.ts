import { errorToJson, SendenseError } from '../../../errors/sendense-error.ts';
import type { Inventory, VsphereSourceSpec, VsphereVm } from '../../../schemas/types.ts';
import { aboutJson } from '../../vsphere/about-json.ts';
import { allocatedBytes } from '../../vsphere/allocated-bytes.ts';
import { connectVsphere } from '../../vsphere/connect.ts';
import { findVm } from '../../vsphere/inventory.ts';
import { listVms } from '../../vsphere/list-vms.ts';
import { addPrivilegeFindings, privilegeFindings } from '../../vsphere/privilege-findings.ts';
import { tagsByVm } from '../../vsphere/tags.ts';
import { removeOurs } from '../../vsphere/remove-snapshot.ts';
import { vmFacts } from '../../vsphere/vm-facts.ts';
import type { CleanUpOptions, DiscoverOptions, Source } from '../source.ts';
import { diskInfos, notProtectedDisks } from './disk-info.ts';
import { removeLeftOvers } from './left-overs.ts';
import { openVm } from './open-vm.ts';
import { refusal } from './refusal.ts';
import { specChanges } from './spec-changes.ts';
import { testLogin } from './test-login.ts';
import { addressOf } from './vsphere-address.ts';

/** VMs of a vCenter or an ESXi host. The key of a disk is its device key, as the hypervisor says it. */
export const vsphereSource: Source<VsphereSourceSpec> = {
  type: 'vsphere',

  // The disks are the hypervisor's.
  files: () => [],

  discover: async (spec, options) => {
    const { vm, allocated } = await lookAt(spec, options);
    const refused = refusal(vm, spec);
    return {
      disks: diskInfos(vm, spec, allocated),
      // What is said of a disk is said with the disk.
      warnings: vm.findings.filter(({ code }) => warns(code, spec)).map(({ message }) => message),
      vm,
      not_protected: notProtectedDisks(vm),
      refused: refused && errorToJson(refused),
    };
  },

  inventory: async (spec, { login, signal, tags: wanted = false }): Promise<Inventory> => {
    const address = addressOf(spec, login);
    await using vsphere = await connectVsphere(address, { signal });
    const { vms: listed, warnings } = await listVms(vsphere, signal);
    if (wanted && vsphere.about.apiType !== 'VirtualCenter')
      throw new SendenseError('vsphere.settings', `${spec.host} is not a vCenter, and only a vCenter has tags`);
    const tags = wanted ? await tagsByVm(address, signal) : null;
    const vms = tags ? listed.map((vm) => ({ ...vm, tags: tags.get(vm.moref) ?? [] })) : listed;
    return {
      about: aboutJson(vsphere.about),
      vms: await addPrivilegeFindings(vsphere, vms, spec.transports, signal),
      warnings,
    };
  },

  open: openVm,

  login: { account: addressOf, test: testLogin },

  traces: { cleanUp, removeLeftOvers },

  specChanges,
};

async function cleanUp(spec: VsphereSourceSpec, options: CleanUpOptions): Promise<void> {
  const { login, vmName, jobId, signal, retryMs } = options;
  await using vsphere = await connectVsphere(addressOf(spec, login), { signal });
  const vm = await findVm(vsphere, { path: spec.path, moref: spec.moref, name: vmName }, signal);
  const quiet = (): void => undefined;
  const times = retryMs === undefined ? {} : { retry: retryMs };
  await removeOurs({ vsphere, vm, signal, log: quiet, warn: quiet, times }, (mark) => mark.job === jobId);
}

/** What is known of one VM. @throws SendenseError `source.missing`, `vsphere.*` */
export const discoverVm = async (spec: VsphereSourceSpec, options: DiscoverOptions): Promise<VsphereVm> =>
  (await lookAt(spec, options)).vm;

async function lookAt(
  spec: VsphereSourceSpec,
  { vmName, login, signal }: DiscoverOptions,
): Promise<{ vm: VsphereVm; allocated: ReadonlyMap<number, number> }> {
  await using vsphere = await connectVsphere(addressOf(spec, login), { signal });
  const vm = await findVm(vsphere, { path: spec.path, moref: spec.moref, name: vmName }, signal);
  const facts = await vmFacts(vsphere, vm, signal);
  const lacking = await privilegeFindings(vsphere, facts, spec.transports, signal);
  const allocated = await allocatedBytes(vsphere, vm, signal);
  return { vm: { ...facts, findings: [...facts.findings, ...lacking] }, allocated };
}

/** Findings that the user of this plan has not decided about. */
function warns(code: string, spec: VsphereSourceSpec): boolean {
  // What is not protected is said with the disk; what only the transport has to know, it knows.
  if (code.startsWith('disk.')) return code.startsWith('disk.shared');
  if (code.startsWith('cbt.')) return spec.cbt === 'auto';
  if (code.startsWith('events.')) return spec.cbt !== 'off';
  // What is needed for this plan is refused, and the choice of a transport tells the rest.
  if (code.startsWith('privilege.')) return false;
  if (code.startsWith('tools.')) return spec.quiesce !== 'off';
  return !code.startsWith('snapshot.');
}
