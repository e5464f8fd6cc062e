import type { Privilege } from './privileges.ts';
import type { TransportName } from './transports/transport.ts';

/**
 * What a restore to a new VM needs, of a role that backups never have, whichever way its disks go. From the vSphere API reference:
 * "Required Privileges" of CreateVM_Task, ReconfigVM_Task, Destroy_Task, PowerOnVM_Task, ImportVApp. `docs/vsphere.md` has the same as a
 * role to import.
 */
const alwaysNeeded: readonly Privilege[] = [
  { privilege: 'System.Read', why: 'to see folders, pools, datastores and networks' },
  { privilege: 'VirtualMachine.Inventory.Create', why: 'to make the VM' },
  { privilege: 'VirtualMachine.Inventory.Delete', why: 'to remove the VM of a restore that failed' },
  { privilege: 'VirtualMachine.Config.AddNewDisk', why: 'to make its disks' },
  { privilege: 'VirtualMachine.Config.AddRemoveDevice', why: 'to make its controllers and network adapters' },
  { privilege: 'VirtualMachine.Config.AdvancedConfig', why: 'to set what its extraConfig had' },
  { privilege: 'VirtualMachine.Config.Settings', why: 'to set firmware and boot order' },
  { privilege: 'VirtualMachine.Config.Annotation', why: 'to mark the VM as one that is being restored' },
  { privilege: 'VirtualMachine.Interact.PowerOn', why: 'to start the VM, if you ask for it' },
  { privilege: 'Resource.AssignVMToPool', why: 'to give it to a resource pool' },
  { privilege: 'Datastore.AllocateSpace', why: 'to make its files' },
  { privilege: 'Datastore.Browse', why: 'to find its files' },
  {
    privilege: 'Datastore.FileManagement',
    why: 'to put its NVRAM into its folder, and to read disks again over HTTPS',
  },
  { privilege: 'Network.Assign', why: 'to connect its network adapters' },
];

/** Asked for where a VM is judged after its start. */
const stopPrivilege: Privilege = {
  privilege: 'VirtualMachine.Interact.PowerOff',
  why: 'to stop it again, if it does not come up',
};

/** Without this one no disk comes by an import lease. */
export const importPrivilege: Privilege = {
  privilege: 'VApp.Import',
  why: 'to bring disks by an import lease, without VDDK',
};

const neededBy: { readonly [T in TransportName]: readonly Privilege[] } = {
  vddk: [
    { privilege: 'VirtualMachine.Provisioning.DiskRandomAccess', why: 'to write disks with VDDK' },
    { privilege: 'VirtualMachine.Provisioning.DiskRandomRead', why: 'to read disks again and compare them' },
  ],
  https: [
    importPrivilege,
    { privilege: 'VirtualMachine.Config.AddExistingDisk', why: 'to give the VM the disks that were imported' },
    { privilege: 'VirtualMachine.Config.RemoveDisk', why: 'to put imported disks in the place of empty ones' },
  ],
  ssh: [],
};

/** What a restore to a new VM needs whose disks are written by one of these transports. @param judged it is started, and stopped again */
export const restorePrivileges = (
  transports: readonly TransportName[],
  { judged }: { readonly judged: boolean },
): readonly Privilege[] => [
  ...alwaysNeeded,
  ...(judged ? [stopPrivilege] : []),
  ...transports.flatMap((transport) => neededBy[transport]),
];

/** What a restore in place needs on its VM, and nothing of what makes or removes VMs. */
export const inPlacePrivileges = ({
  powerOn,
  judged,
}: {
  readonly powerOn: boolean;
  readonly judged: boolean;
}): readonly Privilege[] => [
  { privilege: 'System.Read', why: 'to see the VM, its disks and its tasks' },
  { privilege: 'VirtualMachine.Config.Annotation', why: 'to mark the VM as one that is being restored' },
  { privilege: 'VirtualMachine.Config.AdvancedConfig', why: 'to mark the VM as one that is being restored' },
  { privilege: 'VirtualMachine.Provisioning.DiskRandomAccess', why: 'to write disks with VDDK' },
  { privilege: 'VirtualMachine.Provisioning.DiskRandomRead', why: 'to read disks again and compare them' },
  ...(powerOn ? [{ privilege: 'VirtualMachine.Interact.PowerOn', why: 'to start the VM at the end' }] : []),
  ...(judged ? [stopPrivilege] : []),
];

/** What attaching a disk to a VM needs on that VM; the disk is made as one of a new VM. */
export const attachPrivileges: readonly Privilege[] = [
  { privilege: 'System.Read', why: 'to see the VM, its disks and its tasks' },
  { privilege: 'VirtualMachine.Config.AddExistingDisk', why: 'to attach the disk' },
  { privilege: 'VirtualMachine.Config.RemoveDisk', why: 'to detach the disk' },
  { privilege: 'VirtualMachine.Config.AdvancedConfig', why: 'to mark the disk as one of Sendense' },
];

/** The same on the folder of the VM that the disk is made with. */
export const helperPrivileges: readonly Privilege[] = [
  { privilege: 'VirtualMachine.Config.RemoveDisk', why: 'to take the disk from the VM that it was made with' },
];
