import { SendenseError } from '../../../errors/sendense-error.ts';
import { treeAbove } from '../inventory-paths.ts';
import { missingPrivileges } from '../privileges.ts';
import { helperPrivileges } from '../restore-privileges.ts';
import type { ObjectProperties, Vsphere } from '../vsphere.ts';
import { list, moref, optionalMoref, optionalText, type Moref } from '../xml.ts';

/** Where a VM can be made whose disks another one is to get. */
export interface BesideVm {
  /** Inventory paths. */
  readonly folder: string;
  readonly pool: string | null;
  readonly datastore: string;
  /** `[datastore] folder` of the VM's own files; null: on another datastore. */
  readonly directory: string | null;
  readonly hardwareVersion: string | null;
}

const paths = [
  'name',
  'parent',
  'parentVApp',
  'resourcePool',
  'runtime.host',
  'config.files.vmPathName',
  'config.version',
];

/**
 * In the folder and the pool of the VM, on its datastore unless another one is named.
 * @throws SendenseError `target.unfit` where the VM's host does not reach the datastore, `vsphere.permission`, `vsphere.*`
 */
export async function besideVm(
  vsphere: Vsphere,
  object: Moref,
  wanted: string | null,
  signal?: AbortSignal,
): Promise<BesideVm> {
  const how = signal ? { signal } : {};
  const [vm] = await vsphere.properties([object], paths, how);
  if (!vm) throw new SendenseError('target.unfit', `the VM ${object.value} is not there any more`);
  const word = (path: string): string => optionalText(vm.values.get(path)) ?? '';
  const [, home = '', directory = ''] = /^\[([^\]]+)\] (.*)\/[^/]+$/.exec(word('config.files.vmPathName')) ?? [];
  const datastore = wanted ?? home;
  if (datastore === '')
    throw new SendenseError('target.unfit', `vSphere does not say on which datastore the VM ${word('name')} is`, {
      remedy: 'Name one: `datastore: NAME` in the plan, or --datastore NAME.',
    });
  await assertReached(vsphere, vm, datastore, signal);
  await assertMay(vsphere, vm, signal);
  return {
    folder: await folderOf(vsphere, vm, signal),
    pool: await poolOf(vsphere, vm, signal),
    datastore,
    directory: datastore === home ? `[${home}] ${directory}` : null,
    hardwareVersion: word('config.version') || null,
  };
}

/** The one above it; of a VM in a vApp the one for all VMs of its datacenter. */
async function folderOf(vsphere: Vsphere, vm: ObjectProperties, signal?: AbortSignal): Promise<string> {
  const tree = await treeAbove(vsphere, vm, signal);
  const path = tree.pathOf(vm);
  return vm.values.get('parentVApp') === undefined
    ? path.slice(0, path.lastIndexOf('/'))
    : `/${tree.datacenterOf(vm) ?? ''}/vm`;
}

/**
 * The resource pool around it. Where that is the one of a whole host or cluster, the VM's host: a cluster without DRS chooses none. null:
 * it is not shown.
 */
async function poolOf(vsphere: Vsphere, vm: ObjectProperties, signal?: AbortSignal): Promise<string | null> {
  const pathOf = async (object: Moref): Promise<string | null> => {
    const [found] = await vsphere.properties([object], ['name', 'parent'], signal ? { signal } : {});
    return found ? (await treeAbove(vsphere, found, signal)).pathOf(found) : null;
  };
  const host = optionalMoref(vm.values.get('runtime.host'));
  for (let pool = optionalMoref(vm.values.get('resourcePool')); pool;) {
    const [found]: ObjectProperties[] = await vsphere.properties([pool], ['parent'], signal ? { signal } : {});
    const above: Moref | undefined = optionalMoref(found?.values.get('parent'));
    // A vApp is one, too, and takes no VM by itself.
    if (pool.type === 'ResourcePool') return pathOf(above?.type.endsWith('ComputeResource') && host ? host : pool);
    pool = above;
  }
  return null;
}

/** A cluster may have hosts that do not reach all of its datastores. */
async function assertReached(
  vsphere: Vsphere,
  { values }: ObjectProperties,
  name: string,
  signal?: AbortSignal,
): Promise<void> {
  const how = signal ? { signal } : {};
  const host = optionalMoref(values.get('runtime.host'));
  if (!host) return;
  const [shown] = await vsphere.properties([host], ['name', 'datastore'], how);
  const stores = list(shown?.values.get('datastore'), 'ManagedObjectReference').map((one) => moref(one));
  const names = (await vsphere.properties(stores, ['name'], how)).map((one) => optionalText(one.values.get('name')));
  if (names.includes(name)) return;
  throw new SendenseError(
    'target.unfit',
    `the host of the VM (${optionalText(shown?.values.get('name')) ?? host.value}) has no datastore ${JSON.stringify(name)}, but ${names.slice(0, 10).join(', ') || 'none at all'}`,
    { remedy: 'Name one that it has: `datastore: NAME` in the plan, or --datastore NAME.' },
  );
}

async function assertMay(vsphere: Vsphere, { values }: ObjectProperties, signal?: AbortSignal): Promise<void> {
  const folder = optionalMoref(values.get('parent'));
  if (!folder) return;
  const { missing, user } = await missingPrivileges(vsphere, [folder], helperPrivileges, signal);
  const lacking = missing.get(folder.value) ?? [];
  if (lacking.length === 0) return;
  throw new SendenseError(
    'vsphere.permission',
    `${user || 'the user'} lacks on the folder of the VM: ${lacking.map(({ privilege, why }) => `${privilege} (${why})`).join(', ')}`,
    { remedy: 'Give them to the role for restores, see docs/vsphere.md.' },
  );
}
