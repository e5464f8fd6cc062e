import type { Finding } from '../../errors/findings/finding.ts';
import { shown } from '../../errors/findings/words.ts';
import type { Vm, VsphereSourceSettings } from '../../schemas/types.ts';
import { remedyOf, sectionOf } from './settings-findings.ts';

/** Whether a plan's `vm` fits a vSphere source of sendense.yaml. */
export const vmFindings = (vm: Vm, source: string, settings: VsphereSourceSettings): Finding[] => [
  ...identityFindings(vm),
  ...transportFindings(vm, source, settings),
];

function identityFindings(vm: Vm): Finding[] {
  if (vm.path === undefined || vm.moref === undefined) return [];
  return [
    {
      rule: 'settings/vm-identity',
      at: { path: ['vm', 'moref'] },
      message: `path and moref both say which VM: ${shown(vm.path)} and ${shown(vm.moref)}`,
    },
  ];
}

function transportFindings({ transport }: Vm, source: string, settings: VsphereSourceSettings): Finding[] {
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
