import type { DiscoverOutput, ImageDiscoverOutput, VsphereDiscoverOutput, VsphereVm } from '../../schemas/types.ts';
import { shortPath } from './error-report.ts';
import { formatBytes, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { cut, foldedTable, labelled, printable, printableText, table, widthOf } from '../text.ts';

/** VMs with what would stop or weaken a backup of each. */
export function discoverReport(output: DiscoverOutput, options: SummaryOptions): string[] {
  const { style, columns } = options;
  const { warning } = style.symbols;
  return [
    ...(output.type === 'vsphere' ? vsphereLines(output, options) : imageLines(output, options)),
    ...output.warnings.flatMap((text) => labelled(`${warning} `, printableText(text), columns).map(style.yellow)),
    ...planLines(output.plan_file, options),
  ];
}

function vsphereLines({ vms, source, about }: VsphereDiscoverOutput, options: SummaryOptions): string[] {
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

function imageLines({ vms, source }: ImageDiscoverOutput, options: SummaryOptions): string[] {
  const { style, columns } = options;
  const { failed, warning } = style.symbols;
  return [
    ...vms.flatMap(({ name, disks, warnings, error }) => [
      style.bold(name),
      ...foldedTable(
        disks.map((disk) => [
          `    ${disk.label}`,
          formatBytes(disk.capacity_bytes),
          disk.format,
          printable(shortPath(disk.path)),
        ]),
        columns,
        [1],
      ).flat(),
      ...[...warnings, ...disks.flatMap((disk) => disk.warnings.map((text) => `${disk.label}: ${text}`))].flatMap(
        (text) => labelled(`    ${warning} `, printableText(text), columns).map(style.yellow),
      ),
      ...(error
        ? labelled(`    ${failed} `, printableText(`${error.code}: ${error.message}`), columns).map(style.red)
        : []),
    ]),
    style.dim(`${plural(vms.length, 'VM')} in ${source}`),
  ];
}

/** The plan that was written, and what comes next. */
export const planLines = (file: string | null, { style }: SummaryOptions): string[] =>
  file === null
    ? []
    : [
        `${style.green(style.symbols.done)} plan written to ${style.bold(shortPath(file))}`,
        `  see what it would do with ${style.cyan(`sendense-run plan ${shortPath(file)}`)}`,
      ];
