import { SendenseError } from '../../../errors/sendense-error.ts';
import type { Vsphere, ObjectProperties } from '../vsphere.ts';
import { flag, integer, list, moref, optionalMoref, optionalText, text, type Moref } from '../xml.ts';

/** Where a new VM goes, as people write it. */
export interface WantedPlace {
  readonly name: string;
  /** Inventory path of the folder, `/DC1/vm/a`. */
  readonly folder: string;
  /** Inventory path of a resource pool, a cluster or a host, `/DC1/host/cluster1`; null: what there is, if it is only one. */
  readonly pool: string | null;
  /** Of the VM's own files, and of all disks that `disks` does not name. */
  readonly datastore: string;
  /** By the key of the disk. */
  readonly disks: ReadonlyMap<number, string>;
  /** Files of disks, `[datastore] folder/disk.vmdk`, by their keys; others are in the folder of the VM. */
  readonly files?: ReadonlyMap<number, string>;
  /** The network of an adapter that was connected to another one, by the name of that. */
  readonly networks: ReadonlyMap<string, string>;
}

export interface Datastore {
  readonly object: Moref;
  readonly name: string;
  readonly freeBytes: number;
  /** VMFS, NFS, vsan, VVOL, … */
  readonly type: string | null;
  readonly problem: string | null;
}

export interface Network {
  readonly object: Moref;
  readonly name: string;
  /** Of a distributed port group. */
  readonly port: { readonly portgroupKey: string; readonly switchUuid: string } | null;
  readonly problem: string | null;
}

/** The same in vSphere. */
export interface Place {
  /** Inventory path without the first slash, for files of its datastores. */
  readonly datacenter: string;
  readonly folder: Moref;
  readonly pool: Moref;
  /** null: the server chooses. */
  readonly host: Moref | null;
  /** What the hosts there have. */
  readonly datastores: readonly Datastore[];
  readonly networks: readonly Network[];
  /** Numbers of hardware versions that can be made there. */
  readonly hardware: readonly number[];
}

/** @throws SendenseError `target.unfit` with what there is, `vsphere.*` */
export async function findPlace(vsphere: Vsphere, wanted: WantedPlace, signal?: AbortSignal): Promise<Place> {
  const folder = await byPath(vsphere, wanted.folder, signal);
  if (folder?.type !== 'Folder') throw nothing(`a folder of VMs ${wanted.folder}`);
  const datacenter = await datacenterAbove(vsphere, folder, signal);
  const { pool, host, compute } = await poolIn(vsphere, wanted.pool, datacenter, signal);
  const [shown] = await vsphere.properties([compute], ['datastore', 'network', 'environmentBrowser'], how(signal));
  const morefs = (path: string): Moref[] =>
    list(shown?.values.get(path), 'ManagedObjectReference').map((one) => moref(one));
  const environment = optionalMoref(shown?.values.get('environmentBrowser'));
  return {
    datacenter: datacenter.path,
    folder,
    pool,
    host,
    datastores: (await vsphere.properties(morefs('datastore'), datastorePaths, how(signal))).map(datastoreOf),
    networks: await networksOf(vsphere, morefs('network'), signal),
    hardware: environment ? await hardwareOf(vsphere, environment, signal) : [],
  };
}

const how = (signal: AbortSignal | undefined): { signal?: AbortSignal } => (signal ? { signal } : {});

const nothing = (what: string, there: readonly string[] = []): SendenseError =>
  new SendenseError(
    'target.unfit',
    `vSphere shows no ${what.replace(/^an? /, '')}${there.length > 0 ? `; there is ${there.slice(0, 10).join(', ')}` : ''}`,
  );

async function byPath(vsphere: Vsphere, path: string, signal: AbortSignal | undefined): Promise<Moref | undefined> {
  const { searchIndex } = vsphere.content;
  if (!searchIndex) return undefined;
  const args = [['inventoryPath', path.replaceAll(/^\/+|\/+$/g, '')]] as const;
  return optionalMoref(await vsphere.call('FindByInventoryPath', searchIndex, args, how(signal)));
}

interface Datacenter {
  readonly object: Moref;
  readonly path: string;
}

async function datacenterAbove(vsphere: Vsphere, folder: Moref, signal: AbortSignal | undefined): Promise<Datacenter> {
  const names: string[] = [];
  let datacenter: Moref | null = null;
  for (let next: Moref | undefined = folder; next && next.value !== vsphere.content['rootFolder']?.value;) {
    const [found]: ObjectProperties[] = await vsphere.properties([next], ['name', 'parent'], how(signal));
    if (next.type === 'Datacenter') datacenter ??= next;
    if (datacenter) names.unshift(optionalText(found?.values.get('name')) ?? '');
    next = optionalMoref(found?.values.get('parent'));
  }
  if (!datacenter) throw nothing('a datacenter above the folder');
  return { object: datacenter, path: names.join('/') };
}

interface Pool {
  readonly pool: Moref;
  readonly host: Moref | null;
  readonly compute: Moref;
}

async function poolIn(
  vsphere: Vsphere,
  path: string | null,
  datacenter: Datacenter,
  signal: AbortSignal | undefined,
): Promise<Pool> {
  const found = path === null ? await onlyCompute(vsphere, datacenter, signal) : await byPath(vsphere, path, signal);
  if (!found) throw nothing(`a pool, cluster or host ${path ?? ''}`);
  if (found.type === 'ResourcePool') {
    const [shown] = await vsphere.properties([found], ['owner'], how(signal));
    return { pool: found, host: null, compute: moref(shown?.values.get('owner')) };
  }
  if (found.type === 'HostSystem') {
    const [shown] = await vsphere.properties([found], ['parent'], how(signal));
    const compute = moref(shown?.values.get('parent'));
    return { ...(await rootPool(vsphere, compute, signal)), host: found };
  }
  if (!found.type.endsWith('ComputeResource')) throw nothing(`a pool, cluster or host ${path ?? ''}`);
  return { ...(await rootPool(vsphere, found, signal)), host: null };
}

async function rootPool(
  vsphere: Vsphere,
  compute: Moref,
  signal: AbortSignal | undefined,
): Promise<Pick<Pool, 'pool' | 'compute'>> {
  const [shown] = await vsphere.properties([compute], ['resourcePool'], how(signal));
  return { pool: moref(shown?.values.get('resourcePool')), compute };
}

async function onlyCompute(vsphere: Vsphere, datacenter: Datacenter, signal: AbortSignal | undefined): Promise<Moref> {
  const all = await vsphere.all('ComputeResource', ['name'], { ...how(signal), container: datacenter.object });
  const [only] = all;
  if (only && all.length === 1) return only.object;
  const names = all.map(({ values }) => `/${datacenter.path}/host/${optionalText(values.get('name')) ?? ''}`);
  throw new SendenseError(
    'target.unfit',
    `say which cluster or host is to run the VM: ${names.join(', ') || 'there is none'}`,
  );
}

const datastorePaths = ['name', 'summary.type', 'summary.accessible', 'summary.maintenanceMode', 'summary.freeSpace'];

function datastoreOf({ object, values }: ObjectProperties): Datastore {
  const maintenance = optionalText(values.get('summary.maintenanceMode')) ?? 'normal';
  const accessible = values.get('summary.accessible');
  const problem =
    accessible && !flag(accessible)
      ? 'no host reaches it'
      : maintenance === 'normal'
        ? null
        : `it is in maintenance (${maintenance})`;
  const free = values.get('summary.freeSpace');
  return {
    object,
    name: text(values.get('name')),
    freeBytes: free ? Number(integer(free)) : 0,
    type: optionalText(values.get('summary.type')) ?? null,
    problem,
  };
}

async function networksOf(
  vsphere: Vsphere,
  all: readonly Moref[],
  signal: AbortSignal | undefined,
): Promise<Network[]> {
  const groups = all.filter(({ type }) => type === 'DistributedVirtualPortgroup');
  const [named, ports] = await Promise.all([
    vsphere.properties(all, ['name'], how(signal)),
    vsphere.properties(groups, ['key', 'config.distributedVirtualSwitch'], how(signal)),
  ]);
  const switches = ports.flatMap(({ values }) => optionalMoref(values.get('config.distributedVirtualSwitch')) ?? []);
  const uuids = new Map(
    (await vsphere.properties(switches, ['uuid'], how(signal))).map(
      ({ object, values }) => [object.value, optionalText(values.get('uuid')) ?? ''] as const,
    ),
  );
  return named.map(({ object, values }) => {
    const group = ports.find((one) => one.object.value === object.value);
    const port = group && {
      portgroupKey: optionalText(group.values.get('key')) ?? '',
      switchUuid: uuids.get(optionalMoref(group.values.get('config.distributedVirtualSwitch'))?.value ?? '') ?? '',
    };
    const known =
      object.type === 'Network' || (port !== undefined && port.portgroupKey !== '' && port.switchUuid !== '');
    const problem = known ? null : `a network of the kind ${object.type} cannot be used`;
    return { object, name: text(values.get('name')), port: port ?? null, problem };
  });
}

async function hardwareOf(vsphere: Vsphere, environment: Moref, signal: AbortSignal | undefined): Promise<number[]> {
  const answer = await vsphere.call('QueryConfigOptionDescriptor', environment, [], { ...how(signal), all: true });
  return list(answer, 'returnval')
    .filter((one) => optionalText(one, 'createSupported') !== 'false')
    .map((one) => Number(/^vmx-(\d+)$/.exec(text(one, 'key'))?.[1] ?? Number.NaN))
    .filter((number) => !Number.isNaN(number));
}
