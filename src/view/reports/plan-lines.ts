import { shortPath } from './error-report.ts';
import type { SummaryOptions } from '../summary-options.ts';

/** The plan that was written, and what comes next. */
export const planLines = (file: string | null, { style }: SummaryOptions): string[] =>
  file === null
    ? []
    : [
        `${style.green(style.symbols.done)} plan written to ${style.bold(shortPath(file))}`,
        `  see what it would do with ${style.cyan(`sendense-run plan ${shortPath(file)}`)}`,
      ];
