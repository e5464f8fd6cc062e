import type { ImageDiscoverOutput } from '../../schemas/types.ts';
import { shortPath } from './error-report.ts';
import { formatBytes, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { foldedTable, labelled, printable, printableText } from '../text.ts';

/** VMs whose disks are images and block devices. */
export function imageLines({ vms, source }: ImageDiscoverOutput, options: SummaryOptions): string[] {
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
