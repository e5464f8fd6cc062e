import type { VsphereDiscoverOutput, VsphereVm } from '../../schemas/types.ts';
import { planLines } from './plan-lines.ts';
import { findingLines } from './vsphere-vms-report.ts';
import { formatBytes, formatTime } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { fitted, foldedTable, labelled, printable, printableText } from '../text.ts';

/** All that is known of one VM of a vCenter or ESXi host. */
export function vmReport(output: VsphereDiscoverOutput, options: SummaryOptions): string[] {
  const { style, columns } = options;
  const [vm] = output.vms;
  if (!vm) return [];
  const fact = (name: string, text: string): string[] => labelled(`  ${name.padEnd(11)}`, printableText(text), columns);
  return [
    style.bold(printable(vm.name)),
    ...fact('path', vm.path),
    ...fact('id', `${vm.moref}, instance uuid ${vm.instance_uuid ?? 'unknown'}`),
    ...fact('power', `${powerText(vm)}${vm.host === null ? '' : `, on host ${vm.host}`}`),
    ...fact('guest', `${vm.guest ?? 'unknown'}; VMware Tools ${vm.tools}`),
    ...fact('hardware', vm.hardware_version ?? 'unknown'),
    ...fact('tracking', trackingText(vm)),
    ...(vm.consolidation_needed ? fact('disks', 'need consolidation') : []),
    '',
    style.bold('Disks'),
    ...diskLines(vm, options),
    '',
    style.bold('Snapshots'),
    ...snapshotLines(vm, options),
    '',
    style.bold('Backup'),
    ...(vm.findings.length === 0
      ? [`  ${style.green(style.symbols.done)} nothing that shows from outside stops or weakens a backup`]
      : findingLines(vm, '  ', options)),
    ...output.warnings.flatMap((text) =>
      labelled(`  ${style.symbols.warning} `, printableText(text), columns).map(style.yellow),
    ),
    ...planLines(output.plan_file, options),
  ];
}

const powerText = ({ power_state, connection_state, template }: VsphereVm): string =>
  [
    { poweredOn: 'on', poweredOff: 'off', suspended: 'suspended', unknown: 'unknown' }[power_state],
    ...(template ? ['a template'] : []),
    ...(connection_state === 'connected' ? [] : [connection_state]),
  ].join(', ');

const trackingText = ({ cbt }: VsphereVm): string =>
  cbt.enabled
    ? 'changed blocks are tracked'
    : cbt.supported
      ? 'off; `cbt: enable` in the plan switches it on'
      : 'not possible with this VM';

function diskLines({ disks }: VsphereVm, { style, columns }: SummaryOptions): string[] {
  if (disks.length === 0) return ['  none'];
  const rows = foldedTable(
    disks.map((disk) => [
      `  ${printable(disk.label)}`,
      printable(disk.address),
      formatBytes(disk.capacity_bytes),
      [disk.backing, disk.mode, ...(disk.thin ? ['thin'] : []), ...(disk.has_parent ? ['on a snapshot'] : [])].join(
        ', ',
      ),
    ]),
    columns,
    [2],
  );
  return disks.flatMap((disk, index) => [
    ...(rows[index] ?? []),
    ...fitted('      ', printableText(disk.file), columns).map(style.dim),
    ...(disk.protected
      ? []
      : labelled(
          `      ${style.symbols.failed} `,
          printable(`not protected: ${disk.not_protected_reason ?? 'takes no part in snapshots'}`),
          columns,
        ).map(style.red)),
  ]);
}

const snapshotLines = ({ snapshots }: VsphereVm, { style, columns }: SummaryOptions): string[] =>
  snapshots.length === 0
    ? ['  none']
    : foldedTable(
        snapshots.map((snapshot) => [
          `  ${printable(snapshot.name)}`,
          formatTime(snapshot.created),
          snapshot.quiesced ? 'quiesced' : 'not quiesced',
          snapshot.ours ? style.dim('of Sendense') : style.yellow('not of Sendense'),
        ]),
        columns,
      ).flat();
