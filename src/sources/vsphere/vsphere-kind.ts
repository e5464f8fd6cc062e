import type { PlannedEffect, VsphereSourceSpec } from '../../schemas/types.ts';
import type { SourceKind } from '../source-kind.ts';
import { settingsFindings } from './settings-findings.ts';
import { vmFindings } from './vm-findings.ts';
import { vsphereLogin } from './vsphere-login.ts';
import { vsphereSpec } from './vsphere-spec.ts';
import { discoverVms, listVms } from './vsphere-vms.ts';

/** VMs of a vCenter or an ESXi host. */
export const vsphereKind: SourceKind<'vsphere'> = {
  type: 'vsphere',
  settingsFindings,
  vmFindings,
  vmKeys: ['path', 'moref', 'credential', 'quiesce', 'cbt', 'foreignSnapshots', 'transport'],
  matchKeys: ['name', 'folder', 'path', 'moref', 'tag'],
  vmNames: () => [],
  writtenDisks: () => null,
  written: null,
  spec: vsphereSpec,
  nameOf: ({ name }) => name,
  login: vsphereLogin,
  limits: ({ limits = {} }) => limits,
  effects: snapshotEffects,
  leaves: (jobId, vm) => `a snapshot of job ${jobId} of ${vm}`,
  listVms,
  discover: discoverVms,
};

function snapshotEffects(source: VsphereSourceSpec): PlannedEffect[] {
  return [
    {
      action: 'change',
      target: source.path ?? source.moref ?? 'the VM',
      detail: [
        `one snapshot of all disks (quiesce: ${source.quiesce}), removed at the end`,
        ...(source.cbt === 'enable' ? ['changed block tracking switched on where it is off'] : []),
        'snapshots that earlier runs left are removed first',
      ].join('; '),
      argv: null,
    },
    {
      action: 'read',
      target: `${source.host}:${source.port}`,
      detail: `by the first that can read all disks: ${source.transports.join(', ')}`,
      argv: null,
    },
  ];
}
