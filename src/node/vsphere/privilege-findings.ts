import type { VsphereFinding, VsphereSourceSpec, VsphereVm } from '../../schemas/types.ts';
import type { Moref } from './connect.ts';
import type { Vsphere } from './vsphere.ts';
import {
  datastorePrivileges,
  missingPrivileges,
  snapshotPrivileges,
  trackingPrivileges,
  vddkPrivileges,
  type MissingPrivileges,
  type Privilege,
} from './privileges.ts';
import { list, moref } from './xml.ts';

type Transports = VsphereSourceSpec['transports'];

/**
 * What the user lacks for a backup of this VM, on it and on its datastores. Where that cannot be asked nothing is said: the
 * backup itself will tell.
 */
export async function privilegeFindings(
  vsphere: Vsphere,
  vm: VsphereVm,
  transports: Transports,
  signal?: AbortSignal,
): Promise<VsphereFinding[]> {
  return orNone(signal, async () => {
    const object: Moref = { type: 'VirtualMachine', value: vm.moref };
    const [found] = await vsphere.properties([object], ['datastore'], signal ? { signal } : {});
    const stores = list(found?.values.get('datastore'), 'ManagedObjectReference').map((store) => moref(store));
    const [onVm, onStores] = await Promise.all([
      missingPrivileges(vsphere, [object], wantedOn(transports), signal),
      missingPrivileges(vsphere, stores, datastorePrivileges, signal),
    ]);
    const ofStores = datastorePrivileges.filter((one) => [...onStores.missing.values()].flat().includes(one));
    return [...findingsOn(vm, onVm), ...finding('datastore', onVm.user, ofStores, 'its datastores')];
  });
}

/** The same for a whole inventory, of the VMs alone: by one question where the user has it all at the root. */
export async function addPrivilegeFindings(
  vsphere: Vsphere,
  vms: readonly VsphereVm[],
  transports: Transports,
  signal?: AbortSignal,
): Promise<VsphereVm[]> {
  const { rootFolder } = vsphere.content;
  const wanted = wantedOn(transports);
  const missing = await orNone(signal, async () => {
    const atRoot = await missingPrivileges(vsphere, rootFolder ? [rootFolder] : [], wanted, signal);
    if (rootFolder && atRoot.missing.size === 0) return [];
    const objects = vms.map(({ moref: value }): Moref => ({ type: 'VirtualMachine', value }));
    return [await missingPrivileges(vsphere, objects, wanted, signal)];
  });
  return vms.map((vm) => ({ ...vm, findings: [...vm.findings, ...missing.flatMap((one) => findingsOn(vm, one))] }));
}

const wantedOn = (transports: Transports): Privilege[] => [
  ...snapshotPrivileges,
  ...trackingPrivileges,
  ...(transports.includes('vddk') ? vddkPrivileges : []),
];

function findingsOn(vm: VsphereVm, { user, missing }: MissingPrivileges): VsphereFinding[] {
  const lacking = missing.get(vm.moref) ?? [];
  const of = (group: readonly Privilege[]): Privilege[] => lacking.filter((one) => group.includes(one));
  return [
    ...finding('snapshot', user, of(snapshotPrivileges), 'it'),
    // Tracking that is on needs nobody to switch it on.
    ...(vm.cbt.supported && !vm.cbt.enabled ? finding('tracking', user, of(trackingPrivileges), 'it') : []),
    ...finding('vddk', user, of(vddkPrivileges), 'it'),
  ];
}

function finding(
  what: 'snapshot' | 'tracking' | 'vddk' | 'datastore',
  user: string,
  lacking: readonly Privilege[],
  object: string,
): VsphereFinding[] {
  if (lacking.length === 0) return [];
  const names = lacking.map(({ privilege, why }) => `${privilege} (${why})`).join(', ');
  return [
    {
      level: what === 'snapshot' ? 'stops' : 'weakens',
      code: `privilege.${what}`,
      message: `the user ${user} lacks on ${object}: ${names}`,
    },
  ];
}

async function orNone<T>(signal: AbortSignal | undefined, ask: () => Promise<T[]>): Promise<T[]> {
  try {
    return await ask();
  } catch {
    signal?.throwIfAborted();
    return [];
  }
}
