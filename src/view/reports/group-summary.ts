import type { GroupedRun } from '../../schemas/types.ts';
import { formatBytes, formatDuration, plural } from '../format.ts';
import { sentBytes } from '../run/sent-bytes.ts';
import type { Style } from '../style.ts';
import { labelled, padEnd, printable, printableText, widthOf } from '../text.ts';

/** How the run of each VM of a group ended, the failed ones last, where the eye is, and how many did not begin. */
export function groupLines(runs: readonly GroupedRun[], style: Style, columns: number): string[] {
  const begun = runs.filter((run) => !neverBegan(run));
  const waiting = runs.length - begun.length;
  const width = Math.max(0, ...begun.map(({ vm }) => Math.min(widthOf(printable(vm)), 30)));
  const inOrder = begun.toSorted((a, b) => Number(a.status !== 'succeeded') - Number(b.status !== 'succeeded'));
  return [
    ...inOrder.flatMap((run) => runLines(run, width, style, columns)),
    ...(waiting > 0 ? [`  ${style.yellow(style.symbols.warning)} ${plural(waiting, 'VM')} did not begin`] : []),
  ];
}

function runLines(run: GroupedRun, width: number, style: Style, columns: number): string[] {
  const { mark, text } = outcome(run, style);
  const indent = ' '.repeat(width + 6);
  return [
    `  ${mark} ${style.cyan(padEnd(printable(run.vm), width))}  ${text}`,
    ...(run.message === null ? [] : labelled(indent, printableText(run.message), columns).map(style.dim)),
    ...run.warnings.flatMap((warning) => labelled(indent, printableText(warning), columns).map(style.yellow)),
  ];
}

/** The group was stopped before it was its turn. */
const neverBegan = ({ status, run_id: run }: GroupedRun): boolean => status === 'cancelled' && run === null;

function outcome(run: GroupedRun, { symbols, green, yellow, red }: Style): { mark: string; text: string } {
  if (run.status !== 'succeeded') return { mark: red(symbols.failed), text: red(run.status) };
  const amounts = [run.kind ?? 'done', `${formatBytes(sentBytes(run))} sent`, formatDuration(run.duration_ms)];
  const mark = run.warnings.length > 0 || run.exit_code !== 0 ? yellow(symbols.warning) : green(symbols.done);
  return { mark, text: amounts.join(', ') };
}

/** `3 VMs, 2 succeeded, 1 failed`; of a group that was stopped also how many were cancelled or did not begin. */
export function groupCount(runs: readonly GroupedRun[]): string {
  const count = (wanted: GroupedRun['status']): number => runs.filter(({ status }) => status === wanted).length;
  const cancelled = count('cancelled');
  const amounts = [`${count('succeeded')} succeeded`, `${count('failed')} failed`];
  return [plural(runs.length, 'VM'), ...amounts, ...(cancelled > 0 ? [`${cancelled} not done`] : [])].join(', ');
}
