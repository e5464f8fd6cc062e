import type { Moref } from './connect.ts';
import type { Vsphere } from './vsphere.ts';
import { list, optionalText, type XmlValue } from './xml.ts';

/**
 * What the files of each disk of a VM take on the datastore, by key, from its `layoutEx` (VirtualMachineFileLayoutEx in the
 * vSphere API reference): for thin disks what was ever written. vSphere looks now and then only, so it may be too little. A
 * disk of which it is not known is not there.
 */
export async function allocatedBytes(
  vsphere: Vsphere,
  vm: Moref,
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, number>> {
  try {
    const [found] = await vsphere.properties([vm], ['layoutEx'], signal ? { signal } : {});
    return allocatedIn(found?.values.get('layoutEx'));
  } catch {
    // For an estimate only.
    signal?.throwIfAborted();
    return new Map();
  }
}

function allocatedIn(layout: XmlValue | undefined): ReadonlyMap<number, number> {
  const sizes = new Map(list(layout, 'file').map((file) => [optionalText(file, 'key'), optionalText(file, 'size')]));
  const known = list(layout, 'disk').map((disk): [number, number] => {
    const files = list(disk, 'chain').flatMap((element) => list(element, 'fileKey'));
    const sum = files.reduce((all, file) => all + Number(sizes.get(optionalText(file)) ?? Number.NaN), 0);
    return [Number(optionalText(disk, 'key')), sum];
  });
  // A server that says nothing of sizes says 0.
  return new Map(known.filter(([, bytes]) => Number.isSafeInteger(bytes) && bytes > 0));
}
