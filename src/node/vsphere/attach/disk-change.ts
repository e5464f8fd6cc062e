import type { SoapArg, SoapObject } from '../encode-soap.ts';
import type { FreePlace } from './free-places.ts';

/** A disk of a VM, as `disksOf` tells it. */
interface DiskDevice {
  readonly key: number;
  readonly controller_key: number;
  readonly unit: number | null;
  readonly capacity_bytes: number;
}

const object = (...fields: readonly SoapArg[]): SoapObject => ({ fields });
const typed = (xsiType: string, ...fields: readonly SoapArg[]): SoapObject => ({ xsiType, fields });

/**
 * Attaches the file of a disk that is there. No snapshot has the disk: neither do backups of the VM, and none of its snapshots keeps the
 * file from going.
 */
export const attachingDisk = (
  { file, bytes }: { readonly file: string; readonly bytes: number },
  { controllerKey, unit }: FreePlace,
  nth: number,
): SoapObject =>
  object(
    ['operation', 'add'],
    [
      'device',
      typed(
        'VirtualDisk',
        ['key', -101 - nth],
        [
          'backing',
          typed('VirtualDiskFlatVer2BackingInfo', ['fileName', file], ['diskMode', 'independent_persistent']),
        ],
        ['controllerKey', controllerKey],
        ['unitNumber', unit],
        ['capacityInKB', bytes / 1024],
        ['capacityInBytes', bytes],
      ),
    ],
  );

/** Takes a disk off. @param file what becomes of its file */
export const detachingDisk = (
  { key, controller_key: controllerKey, unit, capacity_bytes: bytes }: DiskDevice,
  file: 'keep' | 'destroy',
): SoapObject =>
  object(
    ['operation', 'remove'],
    ['fileOperation', file === 'destroy' ? 'destroy' : undefined],
    [
      'device',
      typed(
        'VirtualDisk',
        ['key', key],
        ['controllerKey', controllerKey],
        ['unitNumber', unit ?? undefined],
        ['capacityInKB', Math.trunc(bytes / 1024)],
      ),
    ],
  );
