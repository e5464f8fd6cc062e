import { didYouMean } from '../../errors/findings/did-you-mean.ts';
import type { Finding } from '../../errors/findings/finding.ts';
import { shown } from '../../errors/findings/words.ts';
import type { ImageSourceSettings, Vm } from '../../schemas/types.ts';
import type { SourceKind } from '../source-kind.ts';
import { imageSpec, specOfDisks } from './image-spec.ts';
import { discoverVms, listVms } from './image-vms.ts';

/** Disk images and block devices of the node, by VM in sendense.yaml or in the plan. */
export const imageKind: SourceKind<'image'> = {
  type: 'image',
  // Lists of disks are checked wherever they stand, see src/plan/checks/check-plan.ts.
  settingsFindings: () => [],
  vmFindings,
  vmKeys: [],
  matchKeys: ['name'],
  vmNames: ({ vms }) => Object.keys(vms),
  writtenDisks: ({ vms }, vm) => vms[vm]?.disks ?? null,
  written: {
    title: 'disk images',
    spec: ({ disks }, folder) => specOfDisks(disks, folder),
    disks: ({ disks }) => disks,
  },
  spec: imageSpec,
  nameOf: () => null,
  login: null,
  limits: () => ({}),
  effects: () => [],
  leaves: null,
  listVms,
  discover: discoverVms,
};

function vmFindings({ name }: Vm, source: string, { vms }: ImageSourceSettings): Finding[] {
  const known = Object.keys(vms);
  if (known.includes(name)) return [];
  return [
    {
      rule: 'settings/unknown-vm',
      at: { path: ['vm', 'name'], part: 'value' },
      message: `the source ${shown(source)} has no VM ${shown(name)}`,
      allowed: known,
      suggestion: didYouMean(name, known),
    },
  ];
}
