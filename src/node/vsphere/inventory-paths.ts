import type { ObjectProperties, Vsphere } from './vsphere.ts';
import { faultOf } from './fault.ts';
import { optionalMoref, optionalText, type Moref } from './xml.ts';

export interface VmPath {
  readonly vm: Moref;
  /** `/DC1/vm/folder/name`, names as vSphere writes them. */
  readonly path: string;
}

/** Where things are in the inventory. */
export interface Tree {
  /** Path of a VM with these properties (`name`, `parent`, `parentVApp`). */
  pathOf(vm: ObjectProperties): string;
  /** Inventory path of its datacenter, without the first slash. */
  datacenterOf(vm: ObjectProperties): string | null;
}

export const placePaths = ['name', 'parent', 'parentVApp'] as const;

interface Place {
  readonly name: string;
  readonly type: string;
  readonly parent: string | undefined;
}

/** Folders, datacenters and vApps of the whole inventory. */
export async function inventoryTree(vsphere: Vsphere, signal?: AbortSignal): Promise<Tree> {
  const options = signal ? { signal } : {};
  const [folders, datacenters, vapps] = await Promise.all([
    vsphere.all('Folder', ['name', 'parent'], options),
    vsphere.all('Datacenter', ['name', 'parent'], options),
    // ESXi hosts have none, some servers do not even know them.
    vsphere.all('VirtualApp', ['name', 'parentFolder', 'parentVApp', 'parent'], options).catch(noneOnFault),
  ]);
  const places = new Map(
    [...folders, ...datacenters, ...vapps].map((one) => [one.object.value, placeOf(one)] as const),
  );
  return treeOf(places, vsphere.content['rootFolder']?.value ?? '');
}

/** What is above one VM only. */
export async function treeAbove(vsphere: Vsphere, vm: ObjectProperties, signal?: AbortSignal): Promise<Tree> {
  const root = vsphere.content['rootFolder']?.value ?? '';
  const places = new Map<string, Place>();
  let next = parentOf(vm);
  while (next && next.value !== root && !places.has(next.value)) {
    const paths = next.type === 'VirtualApp' ? ['name', 'parentFolder', 'parentVApp', 'parent'] : ['name', 'parent'];
    const [found] = await vsphere.properties([next], paths, signal ? { signal } : {});
    if (!found) break;
    places.set(next.value, placeOf(found));
    next = parentOf(found);
  }
  return treeOf(places, root);
}

const noneOnFault = (error: unknown): ObjectProperties[] => {
  if (faultOf(error)) return [];
  throw error;
};

const parentOf = ({ values }: ObjectProperties): Moref | undefined =>
  optionalMoref(values.get('parentFolder')) ??
  optionalMoref(values.get('parentVApp')) ??
  optionalMoref(values.get('parent'));

const placeOf = (one: ObjectProperties): Place => ({
  name: optionalText(one.values.get('name')) ?? one.object.value,
  type: one.object.type,
  parent: parentOf(one)?.value,
});

function treeOf(places: ReadonlyMap<string, Place>, root: string): Tree {
  const above = (vm: ObjectProperties): Place[] => {
    const line: Place[] = [];
    let next = parentOf(vm)?.value;
    while (next !== undefined && next !== root && line.length < 100) {
      const place = places.get(next);
      if (!place) break;
      line.unshift(place);
      next = place.parent;
    }
    return line;
  };
  return {
    pathOf: (vm) =>
      ['', ...above(vm).map(({ name }) => name), optionalText(vm.values.get('name')) ?? vm.object.value].join('/'),
    datacenterOf: (vm) => {
      const line = above(vm);
      const at = line.findIndex(({ type }) => type === 'Datacenter');
      return at < 0
        ? null
        : line
            .slice(0, at + 1)
            .map(({ name }) => name)
            .join('/');
    },
  };
}

/** Every VM with its path. */
export async function inventoryPaths(vsphere: Vsphere, signal?: AbortSignal): Promise<VmPath[]> {
  const [tree, vms] = await Promise.all([
    inventoryTree(vsphere, signal),
    vsphere.all('VirtualMachine', placePaths, signal ? { signal } : {}),
  ]);
  return vms.map((vm) => ({ vm: vm.object, path: tree.pathOf(vm) }));
}
