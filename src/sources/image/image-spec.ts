import { resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ImageDisk, ImageSourceSettings, ImageSourceSpec } from '../../schemas/types.ts';
import type { SourcePlace, VmReference } from '../source-kind.ts';

/** The disks of a VM of sendense.yaml. @throws SendenseError `source.missing` */
export function imageSpec(
  source: ImageSourceSettings,
  vm: VmReference,
  { name, folder }: SourcePlace,
): ImageSourceSpec {
  const found = source.vms[vm.name];
  if (found) return specOfDisks(found.disks, folder);
  throw new SendenseError(
    'source.missing',
    `source ${name} has no VM ${vm.name}; it has ${Object.keys(source.vms).join(', ')}`,
  );
}

/** @param folder absolute; paths count from there */
export const specOfDisks = (
  disks: readonly (Pick<ImageDisk, 'path'> & Partial<ImageDisk>)[],
  folder: string,
): ImageSourceSpec => ({
  type: 'image',
  disks: disks.map((disk) => ({
    path: resolve(folder, disk.path),
    format: disk.format ?? null,
    uuid: disk.uuid ?? null,
    allow_in_use: disk.allowInUse ?? false,
    changes: disk.changes === undefined ? null : resolve(folder, disk.changes),
  })) as ImageSourceSpec['disks'],
});
