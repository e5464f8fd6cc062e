import type { VsphereSourceSpec } from '../../schemas/types.ts';
import type { Vsphere } from './connect.ts';
import { flag, list, text } from './xml.ts';

export interface Privilege {
  readonly privilege: string;
  readonly why: string;
}

const always: readonly Privilege[] = [
  { privilege: 'System.Read', why: 'to see VMs, disks and tasks' },
  { privilege: 'VirtualMachine.State.CreateSnapshot', why: 'to freeze the disks for the backup' },
  { privilege: 'VirtualMachine.State.RemoveSnapshot', why: 'to remove that snapshot, and to consolidate disks' },
  { privilege: 'VirtualMachine.Config.ChangeTracking', why: 'to switch changed block tracking on (cbt: enable)' },
];

const ofTransport: Readonly<Record<VsphereSourceSpec['transports'][number], readonly Privilege[]>> = {
  vddk: [
    { privilege: 'VirtualMachine.Provisioning.DiskRandomRead', why: 'to read disks with VDDK' },
    { privilege: 'VirtualMachine.Provisioning.DiskRandomAccess', why: 'to open disks with VDDK' },
  ],
  https: [
    { privilege: 'Datastore.Browse', why: 'to find files on the datastore' },
    { privilege: 'Datastore.FileManagement', why: 'to read disks, NVRAM and .vmx over HTTPS' },
  ],
  ssh: [],
};

/** What a backup with these transports needs, each once. `docs/vsphere.md` has the same as a role to import. */
export const privilegesFor = (transports: VsphereSourceSpec['transports']): Privilege[] => [
  ...always,
  ...new Set(['https' as const, ...transports].flatMap((name) => ofTransport[name])),
];

/** Those of the privileges that the user of this session does not have at the root of the inventory. */
export async function missingPrivileges(
  vsphere: Vsphere,
  wanted: readonly Privilege[],
  signal?: AbortSignal,
): Promise<{ user: string; missing: Privilege[] }> {
  const { sessionManager, authorizationManager, rootFolder } = vsphere.content;
  if (!sessionManager || !authorizationManager || !rootFolder) return { user: '', missing: [] };
  const [session] = await vsphere.properties([sessionManager], ['currentSession'], signal ? { signal } : {});
  const current = session?.values.get('currentSession');
  const answer = await vsphere.call(
    'HasPrivilegeOnEntities',
    authorizationManager,
    [
      ['entity', [rootFolder]],
      ['sessionId', text(current, 'key')],
      ['privId', wanted.map(({ privilege }) => privilege)],
    ],
    signal ? { signal } : {},
  );
  const granted = new Set(
    list(answer, 'privAvailability')
      .filter((one) => flag(one, 'isGranted'))
      .map((one) => text(one, 'privId')),
  );
  return { user: text(current, 'userName'), missing: wanted.filter(({ privilege }) => !granted.has(privilege)) };
}
