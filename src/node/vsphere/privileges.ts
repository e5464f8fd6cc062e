import type { VsphereSourceSpec } from '../../schemas/types.ts';
import type { Moref } from './connect.ts';
import type { Vsphere } from './vsphere.ts';
import { flag, list, text, type XmlValue } from './xml.ts';

type Transports = readonly VsphereSourceSpec['transports'][number][];

export interface Privilege {
  readonly privilege: string;
  readonly why: string;
}

/** Without these no backup begins: who may not remove a snapshot must not make one. */
export const snapshotPrivileges: readonly Privilege[] = [
  { privilege: 'VirtualMachine.State.CreateSnapshot', why: 'to freeze the disks for the backup' },
  { privilege: 'VirtualMachine.State.RemoveSnapshot', why: 'to remove that snapshot, and to consolidate disks' },
];
export const trackingPrivileges: readonly Privilege[] = [
  { privilege: 'VirtualMachine.Config.ChangeTracking', why: 'to switch changed block tracking on (cbt: enable)' },
];
export const vddkPrivileges: readonly Privilege[] = [
  { privilege: 'VirtualMachine.Provisioning.DiskRandomRead', why: 'to read disks with VDDK' },
  { privilege: 'VirtualMachine.Provisioning.DiskRandomAccess', why: 'to open disks with VDDK' },
];
export const datastorePrivileges: readonly Privilege[] = [
  { privilege: 'Datastore.Browse', why: 'to find files on the datastore' },
  { privilege: 'Datastore.FileManagement', why: 'to read disks, NVRAM and .vmx over HTTPS' },
];

/** What a backup with these transports needs. `docs/vsphere.md` has the same as a role to import. */
export const privilegesFor = (transports: Transports): Privilege[] => [
  { privilege: 'System.Read', why: 'to see VMs, disks and tasks' },
  ...snapshotPrivileges,
  ...trackingPrivileges,
  ...datastorePrivileges,
  ...(transports.includes('vddk') ? vddkPrivileges : []),
];

/** Objects that one question is about: a server with thousands of VMs is asked several. */
const objectsAtOnce = 500;

export interface MissingPrivileges {
  /** Who is logged in, as vSphere says it; empty where it does not. */
  readonly user: string;
  /** By the moref of an object; one that has all is not there. */
  readonly missing: ReadonlyMap<string, readonly Privilege[]>;
}

/** Those of the privileges that the user of this session does not have on each of the objects. */
export async function missingPrivileges(
  vsphere: Vsphere,
  objects: readonly Moref[],
  wanted: readonly Privilege[],
  signal?: AbortSignal,
): Promise<MissingPrivileges> {
  const { sessionManager, authorizationManager } = vsphere.content;
  const missing = new Map<string, readonly Privilege[]>();
  if (!sessionManager || !authorizationManager || objects.length === 0 || wanted.length === 0)
    return { user: '', missing };
  const [session] = await vsphere.properties([sessionManager], ['currentSession'], signal ? { signal } : {});
  const current = session?.values.get('currentSession');
  for (let from = 0; from < objects.length; from += objectsAtOnce) {
    const answer = await vsphere.call(
      'HasPrivilegeOnEntities',
      authorizationManager,
      [
        ['entity', objects.slice(from, from + objectsAtOnce)],
        ['sessionId', text(current, 'key')],
        ['privId', wanted.map(({ privilege }) => privilege)],
      ],
      { signal, all: true },
    );
    for (const one of list(answer, 'returnval')) {
      const denied = deniedOf(one);
      if (denied.size > 0)
        missing.set(
          text(one, 'entity'),
          wanted.filter(({ privilege }) => denied.has(privilege)),
        );
    }
  }
  return { user: text(current, 'userName'), missing };
}

const deniedOf = (entity: XmlValue): ReadonlySet<string> =>
  new Set(
    list(entity, 'privAvailability')
      .filter((one) => !flag(one, 'isGranted'))
      .map((one) => text(one, 'privId')),
  );
