import { join } from 'node:path';
import { secretId, secretObjects, type ImageKey, type ImageTarget } from '../host/images/image-options.ts';
import type { BootRow } from '../state/boots/boots.ts';
import { overlayName } from './boot-files.ts';

/**
 * How to open what a guest wrote to a disk while QEMU has it open too, which must stand still.
 * @param below whether the chain is there as well, for a program that works in the VM's folder; else what is not written is a hole
 */
export function writtenImage(
  { folder }: Pick<BootRow, 'folder'>,
  number: number,
  { key, below }: { readonly key: ImageKey | null; readonly below: boolean },
): ImageTarget {
  const graph = {
    'driver': 'qcow2',
    ...(key ? { encrypt: { 'format': 'luks', 'key-secret': secretId } } : {}),
    'file': { driver: 'file', filename: join(folder, overlayName(number)) },
    // Left out, the header counts: it names the socket in the VM's folder.
    ...(below ? {} : { backing: null }),
    'force-share': true,
  };
  return {
    name: `json:${JSON.stringify(graph)}`,
    format: [],
    objects: key ? secretObjects : [],
    secret: key?.passphrase,
  };
}
