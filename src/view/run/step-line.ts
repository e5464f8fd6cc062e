import { diskBars } from './disk-bar.ts';
import { formatDuration, formatTimeLeft } from '../format.ts';
import type { StepModel } from './run-model.ts';
import { stepRemark } from './step-remark.ts';
import type { Style } from '../style.ts';
import { padEnd, padStart, printable } from '../text.ts';

export interface LineOptions {
  readonly style: Style;
  /** Columns of the terminal. */
  readonly columns: number;
  /** Rows that the bars may take; what does not fit is only counted. */
  readonly barRows: number;
  /** Columns that the longest title takes, so that durations stand below each other. */
  readonly titleWidth: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Whether the run has gone wrong already. */
  readonly failed: boolean;
  /** The signal that came, if one did. */
  readonly cancelledBy: string | null;
}

/** A step on a terminal: one line, and below it a bar for each disk while it runs. */
export function stepLines(step: StepModel, options: LineOptions): string[] {
  const { style, titleWidth } = options;
  const title = padEnd(step.title, titleWidth);
  const line = (duration: number | null, remark: string): string =>
    `${title} ${style.dim(padStart(duration === null ? '' : formatDuration(duration), 11))}${remark ? `  ${remark}` : ''}`;
  switch (step.state) {
    case 'waiting':
      return [style.dim(step.title)];
    case 'running':
    case 'retrying':
      return [line(elapsed(step, options.now), runningRemark(step, options)), ...bars(step, options)];
    case 'succeeded':
      return [
        line(step.durationMs, style.dim(printable(stepRemark(step.uses, step.output)))),
        ...warnings(step, style),
      ];
    case 'failed':
      return [line(step.durationMs, style.red(style.bold(step.error?.code ?? 'failed'))), ...warnings(step, style)];
    case 'skipped':
      return [
        style.dim(
          options.failed
            ? `${title} ${padStart('not run', 11)}`
            : `${title} ${padStart('skipped', 11)}  ${step.lastLog ?? ''}`,
        ),
      ];
  }
}

const elapsed = (step: StepModel, now: number): number => Math.max(0, now - (step.started ?? now));

function runningRemark(step: StepModel, { style, cancelledBy }: LineOptions): string {
  if (cancelledBy !== null) return style.yellow(`${cancelledBy}: stopping; once more to stop at once`);
  if (step.state === 'retrying') return style.yellow(`${step.error?.code ?? 'failed'}, trying again`);
  const attempt = step.attempt > 1 ? style.yellow(`attempt ${step.attempt}`) : '';
  if (attempt || step.disks.length > 0) return attempt;
  return style.dim(printable(step.lastLog ?? ''));
}

function bars({ state, disks, overall }: StepModel, { columns, style, barRows }: LineOptions): string[] {
  if (state !== 'running') return [];
  const shown = disks.length > barRows ? disks.slice(0, barRows - 1) : disks;
  const more = disks.length - shown.length;
  return [
    ...(overall ? [overallText(overall, style)] : []),
    ...diskBars(shown, columns - 6, style),
    ...(more > 0 ? [style.dim(`and ${more} more`)] : []),
  ].map((line) => `  ${line}`);
}

/** `38 of 300, 2 failed, 12 min left` */
function overallText({ done, failed, total, left_ms: left }: NonNullable<StepModel['overall']>, style: Style): string {
  return [
    `${done} of ${total}`,
    ...(failed > 0 ? [style.red(`${failed} failed`)] : []),
    ...(left === null || done === total ? [] : [`${formatTimeLeft(left)} left`]),
  ].join(', ');
}

const warnings = (step: StepModel, style: Style): string[] =>
  step.warnings.map((text) => `  ${style.yellow(`${style.symbols.warning} ${printable(text)}`)}`);

/** The clean-up after a failure: one line a step. */
export function undoLines(steps: readonly StepModel[], style: Style): string[] {
  const { done, failed, undone } = style.symbols;
  const marks = { running: style.yellow(undone), done: style.green(done), failed: style.red(failed) };
  return [
    style.bold('Clean up'),
    ...steps.map(({ title, undo, undoError, lastLog }) => {
      const waits = undo === 'running' && lastLog !== null ? style.dim(`  ${printable(lastLog)}`) : '';
      const why = undo === 'failed' ? style.red(`  ${printable(undoError?.message ?? 'could not be undone')}`) : waits;
      return `  ${undo ? marks[undo] : ''} ${title}${why}`;
    }),
  ];
}
