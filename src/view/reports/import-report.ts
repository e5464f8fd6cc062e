import type { ImportOutput } from '../../schemas/types.ts';
import { shortPath } from './error-report.ts';
import { plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { labelled, printable } from '../text.ts';

/** What was entered into the state database, and what was refused. */
export function importReport(
  { repository, imported, present, refused, forgotten, shared = [] }: ImportOutput,
  { style, columns }: SummaryOptions,
): string[] {
  const { done, failed, warning } = style.symbols;
  const mark = refused.length + shared.length > 0 ? style.yellow(warning) : style.green(done);
  return [
    ...imported.map((id) => `  ${style.green('+')} ${id}`),
    ...forgotten.map((id) => `  ${style.yellow('-')} forgot ${id}: its manifest is gone`),
    ...refused.flatMap(({ path, message }) =>
      labelled(`  ${style.red(failed)} `, `${shortPath(path)}: ${printable(message)}`, columns),
    ),
    ...shared.flatMap(({ vm, identities }) =>
      labelled(
        `  ${style.yellow(warning)} `,
        `${printable(vm)} has restore points of ${identities.length} VMs: ${identities.map(printable).join(', ')}; see \`sendense-run list ${printable(vm)}\``,
        columns,
      ),
    ),
    `${mark} ${repository}: ${plural(imported.length, 'restore point')} imported, ${present} known already, ${refused.length} refused`,
  ];
}
