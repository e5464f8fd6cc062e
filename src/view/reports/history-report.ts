import type { HistoryOutput } from '../../schemas/types.ts';
import { formatBytes, formatDuration, formatTime } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { fit, foldedTable, labelled, printableText } from '../text.ts';

/** Runs, or what those of each day add up to. */
export function historyReport(output: HistoryOutput, options: SummaryOptions): string[] {
  const lines = output.days ? dayLines(output.days, options) : runLines(output.runs, options);
  const more = output.more ? fit('there are older ones: --limit and --since show more', options.columns) : [];
  return [...lines, ...more.map(options.style.dim)];
}

function runLines(runs: HistoryOutput['runs'], { style, columns }: SummaryOptions): string[] {
  if (runs.length === 0) return ['no such runs'];
  const rows = foldedTable(
    [
      ['STARTED', 'PLAN', 'VM', 'TOOK', 'SENT', 'STATUS', 'RUN'].map(style.bold),
      ...runs.map((run) => [
        formatTime(run.started),
        nameOf(run.plan, run.trigger === 'command'),
        run.vm,
        run.duration_ms === null ? '' : formatDuration(run.duration_ms),
        sentText(run.bytes_sent ?? run.bytes_transferred),
        statusOf(run, style),
        run.run_id,
      ]),
    ],
    columns,
    [3, 4],
  );
  return rows.flatMap((row, index) => {
    const error = runs[index - 1]?.error;
    return error
      ? [...row, ...labelled('    ', printableText(`${error.code}: ${error.message}`), columns).map(style.red)]
      : row;
  });
}

/** What a command made of its options is no plan of that name. */
const nameOf = (plan: string, command: boolean): string => (command ? `${plan} (command)` : plan);

function statusOf(
  { status, exit_code: code, finished }: HistoryOutput['runs'][number],
  style: SummaryOptions['style'],
): string {
  if (status === 'succeeded') return code === 3 ? style.yellow('warnings') : style.green('succeeded');
  return finished === null ? style.cyan(status) : style.red(`${status} (${code ?? '?'})`);
}

function dayLines(days: NonNullable<HistoryOutput['days']>, { style, columns }: SummaryOptions): string[] {
  if (days.length === 0) return ['no such runs'];
  const count = (number: number, paint: (text: string) => string): string => (number === 0 ? '' : paint(`${number}`));
  return foldedTable(
    [
      ['DAY', 'PLAN', 'GOOD', 'WARNED', 'FAILED', 'SENT', 'TOOK', 'LONGEST'].map(style.bold),
      ...days.map((day) => [
        day.day,
        nameOf(day.plan, day.command),
        count(day.succeeded, style.green),
        count(day.warned, style.yellow),
        count(day.failed + day.cancelled + day.crashed, style.red),
        formatBytes(day.bytes_transferred),
        formatDuration(day.duration_ms),
        formatDuration(day.longest_ms),
      ]),
    ],
    columns,
    [2, 3, 4, 5, 6, 7],
  ).flat();
}

const sentText = (bytes: number): string => (bytes === 0 ? '' : formatBytes(bytes));
