import { resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import type { ImageDisk, ImageSource, Settings, Source } from '../schemas/types.ts';

export interface VmReference {
  readonly name: string;
  /** The name of a source in sendense.yaml, or a source; undefined: the only one of sendense.yaml. */
  readonly source?: unknown;
}

/**
 * The source of a VM as the node gets it: defaults filled in, paths absolute. Paths in a plan count from the plan, paths
 * in sendense.yaml from there.
 * @throws SendenseError `source.missing`
 */
export function sourceSpecOf(vm: VmReference, settings: Settings, folders: { plan: string; settings: string }): Source {
  if (vm.source !== null && typeof vm.source === 'object')
    return imageSpec((vm.source as ImageSource).disks, folders.plan);
  const name = typeof vm.source === 'string' ? vm.source : onlySource(settings);
  const source = settings.sources[name];
  if (!source) throw new SendenseError('source.missing', `sendense.yaml has no source ${name}`);
  const found = source.vms[vm.name];
  if (!found) {
    throw new SendenseError(
      'source.missing',
      `source ${name} has no VM ${vm.name}; it has ${Object.keys(source.vms).join(', ')}`,
    );
  }
  return imageSpec(found.disks, folders.settings);
}

function onlySource(settings: Settings): string {
  const names = Object.keys(settings.sources);
  if (names.length === 1 && names[0] !== undefined) return names[0];
  throw new SendenseError(
    'source.missing',
    names.length === 0
      ? 'the plan names no source and sendense.yaml has none'
      : `the plan names no source and sendense.yaml has ${names.length}: ${names.join(', ')}`,
  );
}

const imageSpec = (disks: readonly ImageDisk[], folder: string): Source => ({
  type: 'image',
  disks: disks.map((disk) => ({
    path: resolve(folder, disk.path),
    format: disk.format ?? null,
    uuid: disk.uuid ?? null,
    allow_in_use: disk.allowInUse ?? false,
    changes: disk.changes === undefined ? null : resolve(folder, disk.changes),
  })) as Extract<Source, { type: 'image' }>['disks'],
});
