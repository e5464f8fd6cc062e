import type { DoctorOutput } from '../../schemas/types.ts';
import { plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { labelled, padEnd, printable, printableText } from '../text.ts';

type CheckResult = DoctorOutput['checks'][number];

const titleWidth = 30;

/** One check: what was found, and below it the way out. */
export function checkLines(
  { title, result, message, remedy }: CheckResult,
  { style, columns }: SummaryOptions,
): string[] {
  const { done, warning, failed, skipped } = style.symbols;
  const mark = {
    ok: style.green(done),
    warn: style.yellow(warning),
    fail: style.red(failed),
    skipped: style.dim(skipped),
  }[result];
  const found = labelled(`${mark} ${padEnd(title, titleWidth)} `, printableText(message), columns);
  return remedy === null
    ? found
    : [...found, ...labelled(' '.repeat(titleWidth + 3), style.cyan(printable(remedy)), columns)];
}

export function doctorSummary(
  { checks, result }: Pick<DoctorOutput, 'checks' | 'result'>,
  { style }: SummaryOptions,
): string[] {
  const count = (wanted: CheckResult['result']): number => checks.filter((check) => check.result === wanted).length;
  const counted = `${plural(checks.length, 'check')}, ${plural(count('warn'), 'warning')}, ${count('fail')} failed`;
  return ['', { ok: style.green, warn: style.yellow, fail: style.red }[result](counted)];
}
