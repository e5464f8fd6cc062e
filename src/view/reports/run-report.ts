import type { ShowRunOutput } from '../../schemas/types.ts';
import { errorReport, shortPath } from './error-report.ts';
import { formatDuration, formatTime, subjectOf } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { statusOf } from './status-report.ts';
import { command, fitted, foldedTable, printable, printableText } from '../text.ts';

/** How a run went: what, when, why it failed, each step, and how to read the logs of its jobs. */
export function runReport(output: ShowRunOutput, options: SummaryOptions): string[] {
  const { run, plan_file: file, steps, warnings, logs, children } = output;
  const { style, columns } = options;
  const fact = (label: string, text: string): string[] => fitted(`  ${label.padEnd(8)}`, printableText(text), columns);
  const took = run.finished === null ? '' : `, took ${formatDuration(run.finished - run.started)}`;
  return [
    `${style.bold(`run ${run.run_id}`)}: ${statusOf(run, style)}`,
    ...fact('plan', `${run.plan}, ${subjectOf(run)}`),
    ...fact('file', shortPath(file)),
    ...fact('started', `${formatTime(run.started)}${took}`),
    ...fact('begun', begunBy(output)),
    ...(output.stopped_by === null ? [] : fact('stopped', `by ${output.stopped_by}`)),
    ...(run.backup_id === null ? [] : fact('point', run.backup_id)),
    ...(run.error ? errorReport(run.error, style, columns) : []),
    ...warnings.flatMap((text) => fact('warning', text).map(style.yellow)),
    ...(steps.length > 0 ? ['', style.bold('Steps')] : []),
    ...stepLines(steps, options),
    ...(children.length > 0 ? ['', style.bold('Runs of the group')] : []),
    ...foldedTable(
      children.map((child) => [
        `  ${child.vm}`,
        statusOf(child, style),
        child.finished === null ? '' : formatDuration(child.finished - child.started),
        child.run_id,
      ]),
      columns,
    ).flat(),
    ...(output.log === null
      ? []
      : [
          '',
          style.bold('Log'),
          ...fact('file', shortPath(output.log)),
          ...command('  read    ', ['sendense-run', 'logs', run.run_id].map(style.cyan), columns),
        ]),
    ...logs.flatMap(({ step, path }) => [
      '',
      style.bold(`Log of the job of ${step}`),
      ...fact('file', shortPath(path)),
    ]),
    ...(logs.length > 0
      ? command('  read    ', ['sendense-run', 'show', run.run_id, '--log'].map(style.cyan), columns)
      : []),
  ];
}

function begunBy({ trigger, slot, parent_run: parent, asked_by: who }: ShowRunOutput): string {
  if (who !== null) return `by ${printable(who)}`;
  if (parent !== null) return `by the group's run ${parent}`;
  if (trigger === 'manual' || trigger === 'command') return trigger === 'manual' ? 'by hand' : 'by a command';
  return `by ${trigger}${slot === null ? '' : `, for ${formatTime(slot)}`}`;
}

type Step = ShowRunOutput['steps'][number];

function stepLines(steps: readonly Step[], { style, columns }: SummaryOptions): string[] {
  const rows = foldedTable(
    steps.map((step) => [`  ${markOf(step, style)} ${step.id}`, step.uses, formatTime(step.started), stateOf(step)]),
    columns,
  );
  return steps.flatMap((step, index) => [
    ...(rows[index] ?? []),
    ...(step.error
      ? fitted('      ', printableText(`${step.error.code}: ${step.error.message}`), columns).map(style.red)
      : []),
    ...(step.undo_error ? fitted('      ', printableText(step.undo_error.message), columns).map(style.red) : []),
  ]);
}

function markOf({ state, error }: Step, style: SummaryOptions['style']): string {
  const { done, failed, waiting, undone } = style.symbols;
  if (error || state === 'undo_failed') return style.red(failed);
  return { succeeded: style.green(done), started: waiting }[state as string] ?? style.yellow(undone);
}

function stateOf({ state, error, attempt }: Step): string {
  const words = {
    started: 'begun',
    succeeded: 'done',
    failed: 'failed',
    undo_started: 'being undone',
    undo_finished: error ? 'failed, undone' : 'undone',
    undo_failed: 'could not be undone',
  };
  return `${words[state]}${attempt > 1 ? `, attempt ${attempt}` : ''}`;
}

/** Lines of a job's log, as a person reads them; one that is not JSON is shown as it is. */
export const jobLogReport = (text: string, { style }: SummaryOptions): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const entry = parsed(line);
      if (!entry) return printable(line);
      const { time, level, message, ...facts } = entry;
      const paint = { error: style.red, warn: style.yellow }[String(level)] ?? ((word: string) => word);
      const more = Object.keys(facts).length > 0 ? ` ${style.dim(printable(JSON.stringify(facts)))}` : '';
      return `${style.dim(formatTime(Number(time)))} ${paint(String(level).padEnd(5))} ${printable(String(message))}${more}`;
    });

function parsed(line: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(line) as Record<string, unknown> | null;
    return typeof value?.['time'] === 'number' ? value : null;
  } catch {
    return null;
  }
}
