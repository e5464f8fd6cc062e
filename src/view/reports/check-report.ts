import type { CheckOutput } from '../../schemas/types.ts';
import { shortPath } from './error-report.ts';
import { formatBytes, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { labelled, printable, printableText } from '../text.ts';

export interface CheckReportOptions extends SummaryOptions {
  /** Whether the content was read. */
  readonly deep: boolean;
  readonly quiet: boolean;
}

/** What was found, worst first, and what was looked at. */
export function checkReport(output: CheckOutput, options: CheckReportOptions): string[] {
  const { style, deep, quiet } = options;
  const errors = output.findings.filter(({ severity }) => severity === 'error');
  const warnings = output.findings.filter(({ severity }) => severity === 'warning');
  const looked = `${plural(output.points_checked, 'restore point')} checked in ${output.repository}, ${formatBytes(output.bytes_read)} read`;
  const hint = deep ? '' : style.dim('; content not read (--quick)');
  const { done, failed, warning } = style.symbols;
  if (output.findings.length === 0) return quiet ? [] : [`${style.green(done)} no faults: ${looked}${hint}`];
  const mark = errors.length > 0 ? style.red(failed) : style.yellow(warning);
  const counts = [plural(errors.length, 'error'), plural(warnings.length, 'warning')].join(', ');
  return [
    ...[...errors, ...warnings].flatMap((finding) => findingLines(finding, options)),
    `${mark} ${style.bold(counts)}: ${looked}${hint}`,
  ];
}

function findingLines(finding: CheckOutput['findings'][number], { style, columns }: CheckReportOptions): string[] {
  const { failed, warning } = style.symbols;
  const head =
    finding.severity === 'error' ? style.red(`${failed} ${finding.code}`) : style.yellow(`${warning} ${finding.code}`);
  const rows: readonly (readonly [string, string])[] = [
    ['  file    ', shortPath(finding.path)],
    ...(finding.backup_id === null ? [] : ([['  point   ', finding.backup_id]] as const)),
    ['  remedy  ', printable(finding.remedy)],
  ];
  return [
    ...labelled(`${head}: `, printableText(finding.message), columns),
    ...rows.flatMap(([label, text]) => labelled(label, text, columns)),
    '',
  ];
}
