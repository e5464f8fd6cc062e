import type { AuditEntry, AuditOutput } from '../../schemas/types.ts';
import { formatTime } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { fit, foldedTable, printable } from '../text.ts';

/** One line an entry, the newest last. */
export function auditReport({ entries, next_cursor: next }: AuditOutput, options: SummaryOptions): string[] {
  const { style, columns } = options;
  if (entries.length === 0) return ['nobody has done anything'];
  const older = next === null ? [] : fit('there are older ones: --limit and --since show more', columns).map(style.dim);
  const rows = foldedTable(
    [
      ['WHEN', 'WHO', 'BY', 'FROM', 'ACTION', 'ABOUT', 'RESULT'].map(style.bold),
      ...entries
        .toReversed()
        .map((entry) => [
          formatTime(entry.at),
          printable(entry.who || '?'),
          entry.caller,
          entry.address ?? '',
          entry.action,
          aboutOf(entry),
          resultOf(entry, style),
        ]),
    ],
    columns,
  );
  return [...older, ...rows.flat()];
}

const aboutOf = ({ facts }: AuditEntry): string =>
  printable(
    Object.entries(facts)
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
  );

function resultOf({ ended, error, status }: AuditEntry, style: SummaryOptions['style']): string {
  if (ended === null) return style.cyan('goes on, or was cut off');
  if (error !== null) return style.red(error);
  return status !== null && status >= 400 ? style.red(`HTTP ${status}`) : style.green('ok');
}
