import type { Vsphere } from './vsphere.ts';
import { faultOf, isLocated, withPath } from './fault.ts';
import { treeAbove } from './inventory-paths.ts';
import { optionalMoref, type Moref } from './xml.ts';

/** How long the name of an object may take; the error is told without it then. */
const namingMs = 10_000;

/**
 * What was thrown; where a privilege is missing, with the inventory path of the object: whoever gives the privilege knows the
 * object by that, not by its moref.
 */
export async function locateFault(vsphere: Vsphere, error: unknown, signal?: AbortSignal): Promise<unknown> {
  const fault = faultOf(error);
  if (fault?.name !== 'NoPermission' || fault.object === null || signal?.aborted || isLocated(error)) return error;
  const limit = AbortSignal.timeout(namingMs);
  const path = await pathOf(vsphere, fault.object, signal ? AbortSignal.any([signal, limit]) : limit).catch(() => null);
  return path === null ? error : withPath(error, path);
}

async function pathOf(vsphere: Vsphere, object: Moref, signal: AbortSignal): Promise<string | null> {
  if (object.value === vsphere.content['rootFolder']?.value) return '/';
  if (object.type === 'VirtualMachineSnapshot') {
    const [snapshot] = await vsphere.properties([object], ['vm'], { signal });
    const vm = optionalMoref(snapshot?.values.get('vm'));
    return vm ? pathOf(vsphere, vm, signal) : null;
  }
  const paths = object.type === 'VirtualMachine' ? ['name', 'parent', 'parentVApp'] : ['name', 'parent'];
  const [found] = await vsphere.properties([object], paths, { signal });
  return found?.values.has('name') ? (await treeAbove(vsphere, found, signal)).pathOf(found) : null;
}
