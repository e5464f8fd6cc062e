import type { Finding } from '../../errors/findings/finding.ts';
import type { BackupPlan, IncrementalPlan, Settings } from '../../schemas/types.ts';
import { remedyOf, sectionOf } from './check-sources.ts';
import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import { shown } from '../../errors/findings/words.ts';

type PlannedVm = (BackupPlan | IncrementalPlan)['vm'];

/** Keys of a plan's `vm` that mean something for a vSphere source only. */
const vsphereKeys = ['path', 'moref', 'credential', 'quiesce', 'cbt', 'foreignSnapshots', 'transport'] as const;

/** Whether a plan's `vm` fits its source; a name is one of the settings. */
export function vmFindings(vm: PlannedVm, source: string | undefined, settings: Settings): Finding[] {
  const written = source === undefined ? undefined : settings.sources[source];
  if (written?.type === 'vsphere') return [...identityFindings(vm), ...transportFindings(vm, source ?? '', written)];
  const others = vsphereOnly(vm, source);
  return written && source !== undefined
    ? [...nameFindings(vm.name, source, Object.keys(written.vms)), ...others]
    : others;
}

function nameFindings(vm: string, source: string, known: readonly string[]): Finding[] {
  if (known.includes(vm)) return [];
  return [
    {
      rule: 'settings/unknown-vm',
      at: { path: ['vm', 'name'], part: 'value' },
      message: `the source ${shown(source)} has no VM ${shown(vm)}`,
      allowed: known,
      suggestion: didYouMean(vm, known),
    },
  ];
}

const vsphereOnly = (vm: PlannedVm, source: string | undefined): Finding[] =>
  vsphereKeys
    .filter((key) => vm[key] !== undefined)
    .map((key) => ({
      rule: 'settings/vsphere-only',
      at: { path: ['vm', key] },
      message: `${key} has no meaning for ${source === undefined ? 'disk images' : `the source ${shown(source)}, which is of type image`}`,
    }));

function identityFindings(vm: PlannedVm): Finding[] {
  if (vm.path === undefined || vm.moref === undefined) return [];
  return [
    {
      rule: 'settings/vm-identity',
      at: { path: ['vm', 'moref'] },
      message: `path and moref both say which VM: ${shown(vm.path)} and ${shown(vm.moref)}`,
    },
  ];
}

function transportFindings(
  { transport }: PlannedVm,
  source: string,
  settings: Extract<Settings['sources'][string], { type: 'vsphere' }>,
): Finding[] {
  const section = transport === undefined ? undefined : sectionOf[transport];
  if (section === undefined || settings[section] !== undefined) return [];
  return [
    {
      rule: 'settings/vsphere-transport',
      at: { path: ['vm', 'transport'], part: 'value' },
      message: `the source ${shown(source)} has no section ${section}, which the transport ${section} needs`,
      remedy: remedyOf(section),
    },
  ];
}
