import type { UpkeepOutput } from '../../schemas/types.ts';
import { shortPath } from './error-report.ts';
import { formatBytes, plural } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { fit, printable } from '../text.ts';

export function upkeepReport(output: UpkeepOutput, { style, columns }: SummaryOptions): string[] {
  const freed = output.log_bytes_freed + output.database_bytes_freed;
  return [
    ...fit(
      `${plural(output.runs_summarised, 'run')} summarised, ${plural(output.logs_removed, 'log')} removed, ${formatBytes(freed)} freed`,
      columns,
    ),
    ...output.copies.flatMap(({ repository, path, bytes }) =>
      fit(`copied the state database to repository ${repository}: ${shortPath(path)}, ${formatBytes(bytes)}`, columns),
    ),
    ...output.troubles.flatMap((trouble) => fit(`warning: ${printable(trouble)}`, columns).map(style.yellow)),
  ];
}
