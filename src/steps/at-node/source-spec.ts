import { SendenseError } from '../../errors/sendense-error.ts';
import { readNamedFileNow } from '../../host/files/named-file.ts';
import type { Settings, Source } from '../../schemas/types.ts';
import { kindOf, writtenKindOf } from '../../sources/index.ts';
import type { SourcePlace, VmReference, WrittenOf, SourceType } from '../../sources/source-kind.ts';

/**
 * The source of a VM as the node gets it: defaults filled in, paths absolute. Paths in a plan count from the plan, paths
 * in sendense.yaml from there. Holds no secret; `Services.sourceAccount` has that.
 * @throws SendenseError `source.missing`, `vsphere.settings`, `file.unreadable`
 */
export function sourceSpecOf(vm: VmReference, settings: Settings, folders: { plan: string; settings: string }): Source {
  if (vm.source !== null && typeof vm.source === 'object') return writtenSpec(vm.source, folders.plan);
  const name = typeof vm.source === 'string' ? vm.source : onlySource(settings);
  const source = settings.sources[name];
  if (!source) throw new SendenseError('source.missing', `sendense.yaml has no source ${name}`);
  return kindOf(source).spec(source, vm, placeOf(name, folders.settings));
}

/** @param folder of sendense.yaml */
export const placeOf = (name: string, folder: string): SourcePlace => ({ name, folder, readFile: readNamedFileNow });

function writtenSpec(source: object, folder: string): Source {
  const written = writtenKindOf(source)?.written;
  if (written) return written.spec(source as WrittenOf<SourceType>, folder);
  throw new SendenseError('source.missing', 'the plan writes down a source of a type that only sendense.yaml can have');
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
