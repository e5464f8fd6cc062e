import type { GcOutput } from '../../schemas/types.ts';
import { formatBytes, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { labelled, printable } from '../text.ts';

/** What was or would be removed, and what stays and why. */
export function gcReport({ dry_run: dryRun, repositories }: GcOutput, { style, columns }: SummaryOptions): string[] {
  return repositories.flatMap(({ repository, removed, kept, skipped, expired }) => {
    const bytes = [...removed, ...expired].reduce((sum, each) => sum + each.bytes, 0);
    const aside = removed.filter(({ trashed }) => trashed).length;
    const verb = dryRun ? 'would be ' : '';
    const parts = [
      `${plural(aside, 'file')} ${verb}put aside`,
      `${plural(removed.length - aside, 'file')} ${verb}removed`,
      ...(expired.length > 0 ? [`${plural(expired.length, 'folder')} of the trash ${verb}removed`] : []),
    ];
    const mark = skipped.length > 0 ? style.yellow(style.symbols.warning) : style.green(style.symbols.done);
    return [
      ...removed.flatMap(({ path, bytes: size, trashed }) =>
        labelled(`  ${trashed ? '-' : 'x'} `, `${printable(path)}  ${formatBytes(size)}`, columns),
      ),
      ...expired.flatMap(({ name, bytes: size }) =>
        labelled('  x ', `.sendense/trash/${name}  ${formatBytes(size)}`, columns),
      ),
      ...kept.flatMap(({ path, reason }) =>
        labelled('  = ', `${printable(path)} stays: ${printable(reason)}`, columns).map(style.dim),
      ),
      ...skipped.flatMap(({ vm, reason }) =>
        labelled(
          `  ${style.yellow(style.symbols.warning)} `,
          `skipped ${vm === '*' ? 'all VMs' : vm}: ${printable(reason)}`,
          columns,
        ),
      ),
      `${mark} ${repository}: ${parts.join(', ')}, ${formatBytes(bytes)}`,
    ];
  });
}
