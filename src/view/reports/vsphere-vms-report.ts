import type { VsphereDiscoverOutput, VsphereVm } from '../../schemas/types.ts';
import { formatBytes, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { cut, labelled, printable, printableText, table, widthOf } from '../text.ts';

/** VMs of a vCenter or ESXi host. */
export function vsphereLines({ vms, source, about }: VsphereDiscoverOutput, options: SummaryOptions): string[] {
  const { style, columns } = options;
  const server = printable(about.full_name);
  if (vms.length === 0) return [`no VMs in ${source} (${server}); the user may not see any`];
  // What stands beside the name takes less than 50 columns.
  const longest = Math.max(16, columns - 50);
  const rows = table(
    [
      ['VM', 'POWER', 'DISKS', 'CBT', 'SNAPSHOTS'].map(style.bold),
      ...vms.map((vm) => [
        shortened(printable(vm.name), longest),
        powerOf(vm),
        disksOf(vm),
        cbtOf(vm),
        `${vm.snapshots.length}`,
      ]),
    ],
    [4],
  );
  const count = (level: 'stops' | 'weakens'): number =>
    vms.filter((vm) => vm.findings.some((finding) => finding.level === level)).length;
  const total = `${plural(vms.length, 'VM')} in ${source} (${server}); a backup of ${count('stops')} would be stopped, of ${count('weakens')} weakened`;
  return [
    rows[0] ?? '',
    ...vms.flatMap((vm, index) => [
      rows[index + 1] ?? '',
      ...labelled('    ', [vm.path, vm.guest ?? 'guest unknown'].map(printable).join(', '), columns).map(style.dim),
      ...findingLines(vm, '    ', options),
    ]),
    ...labelled('', total, columns).map(style.dim),
  ];
}

const shortened = (text: string, columns: number): string =>
  widthOf(text) <= columns ? text : `${cut(text, columns - 3)}...`;

const powerOf = ({ power_state, template }: VsphereVm): string =>
  template
    ? 'template'
    : { poweredOn: 'on', poweredOff: 'off', suspended: 'suspended', unknown: 'unknown' }[power_state];

/** `16 GiB`, `16 GiB + 24 GiB`, `5 with 1.2 TiB` */
const disksOf = ({ disks }: VsphereVm): string =>
  disks.length === 0
    ? 'none'
    : disks.length < 3
      ? disks.map(({ capacity_bytes }) => formatBytes(capacity_bytes)).join(' + ')
      : `${disks.length} with ${formatBytes(disks.reduce((sum, disk) => sum + disk.capacity_bytes, 0))}`;

const cbtOf = ({ cbt }: VsphereVm): string => (cbt.enabled ? 'on' : cbt.supported ? 'off' : 'no');

/** What would stop or weaken a backup, the former first. */
export function findingLines(vm: VsphereVm, indent: string, { style, columns }: SummaryOptions): string[] {
  const { failed, warning } = style.symbols;
  const lines = (level: 'stops' | 'weakens', mark: string, paint: (text: string) => string): string[] =>
    vm.findings
      .filter((finding) => finding.level === level)
      .flatMap(({ message }) =>
        labelled(`${indent}${mark} ${level.padEnd(8)}`, printableText(message), columns).map(paint),
      );
  return [...lines('stops', failed, style.red), ...lines('weakens', warning, style.yellow)];
}
