import { toSendenseError } from '../../errors/sendense-error.ts';
import type { ObjectProperties } from './connect.ts';
import type { Vsphere } from './vsphere.ts';
import { list, moref, optionalText } from './xml.ts';

export const datastorePaths = ['name', 'summary.type'] as const;

/** Types by name; a name that datacenters use for different types is left out. */
export function datastoreTypes(stores: readonly ObjectProperties[]): ReadonlyMap<string, string> {
  const types = new Map<string, string>();
  const ambiguous = new Set<string>();
  for (const { values } of stores) {
    const name = optionalText(values.get('name'));
    const type = optionalText(values.get('summary.type'));
    if (name === undefined || type === undefined) continue;
    if ((types.get(name) ?? type) !== type) ambiguous.add(name);
    types.set(name, type);
  }
  for (const name of ambiguous) types.delete(name);
  return types;
}

/** Of the datastores of a VM with the property `datastore`. Where they may not be read, nothing is said of them. */
export async function datastoreTypesOf(
  vsphere: Vsphere,
  vm: ObjectProperties | undefined,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const stores = list(vm?.values.get('datastore'), 'ManagedObjectReference').map((store) => moref(store));
  try {
    return datastoreTypes(await vsphere.properties(stores, datastorePaths, signal ? { signal } : {}));
  } catch (error) {
    signal?.throwIfAborted();
    if (toSendenseError(error).code !== 'vsphere.permission') throw error;
    return new Map();
  }
}
