import type { GroupedRun } from '../schemas/types.ts';
import { formatBytes, formatDuration, plural } from './format.ts';
import type { Style } from './style.ts';
import { labelled, printable } from './text.ts';

/** How the run of each VM of a group ended, the failed ones last, where the eye is. */
export function groupLines(runs: readonly GroupedRun[], style: Style, columns: number): string[] {
  const width = Math.max(0, ...runs.map(({ vm }) => Math.min(printable(vm).length, 30)));
  const inOrder = runs.toSorted((a, b) => Number(a.status !== 'succeeded') - Number(b.status !== 'succeeded'));
  return inOrder.flatMap((run) => {
    const { mark, text } = outcome(run, style);
    const name = printable(run.vm).padEnd(width);
    const indent = ' '.repeat(width + 6);
    return [
      `  ${mark} ${style.cyan(name)}  ${text}`,
      ...(run.message === null ? [] : labelled(indent, printable(run.message), columns).map(style.dim)),
      ...run.warnings.flatMap((warning) => labelled(indent, printable(warning), columns).map(style.yellow)),
    ];
  });
}

function outcome(run: GroupedRun, { symbols, green, yellow, red }: Style): { mark: string; text: string } {
  if (run.status !== 'succeeded') return { mark: red(symbols.failed), text: red(run.status) };
  const amounts = [run.kind ?? 'done', `${formatBytes(run.bytes_transferred)} sent`, formatDuration(run.duration_ms)];
  const mark = run.warnings.length > 0 || run.exit_code !== 0 ? yellow(symbols.warning) : green(symbols.done);
  return { mark, text: amounts.join(', ') };
}

/** `3 VMs, 2 succeeded, 1 failed` */
export function groupCount(runs: readonly GroupedRun[]): string {
  const failed = runs.filter(({ status }) => status !== 'succeeded').length;
  return `${plural(runs.length, 'VM')}, ${runs.length - failed} succeeded, ${failed} failed`;
}
