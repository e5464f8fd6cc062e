import type { RunEvent } from '../../../schemas/types.ts';
import { formatClock, formatDuration, formatRate, subjectOf } from '../../../view/format.ts';
import { bytesOf, percentOf, timeLeft, type DiskProgressLine } from '../../../view/run/disk-figures.ts';
import { applyEvent, emptyRun, type RunModel, type StepModel } from '../../../view/run/run-model.ts';
import { told } from '../../design/text.tsx';

/** A line of the log. */
export interface LogLine {
  /** Of the event in the log, from 1. */
  readonly number: number;
  readonly time: number;
  /** All its characters show. */
  readonly text: string;
  readonly kind: 'head' | 'plain' | 'soft' | 'warning' | 'error' | 'good';
  /** It belongs to the step above. */
  readonly inStep: boolean;
}

/** What the events of a run say, as lines, and what is known of the run from them. */
export interface ReadLog {
  readonly model: RunModel;
  readonly lines: readonly LogLine[];
}

/** Reads events as they come; each call has all of those before, and some more. */
export function logReader(): (events: readonly RunEvent[]) => ReadLog {
  const model = emptyRun();
  let log: ReadLog = { model, lines: [] };
  let read = 0;
  return (events) => {
    const seen = read;
    const added: LogLine[] = [];
    for (; read < events.length; read++) {
      const event = events[read];
      const line = event && lineOf(event, read + 1, applyEvent(model, event));
      // Progress of a step that has no disks yet says nothing.
      if (line && line.text !== '') added.push(line);
    }
    // Another object, so that what shows the model sees that it has changed.
    if (events.length > seen) log = { model: { ...model }, lines: [...log.lines, ...added] };
    return log;
  };
}

function lineOf(event: RunEvent, number: number, step: StepModel | null): LogLine {
  const [kind, text] = said(event, step?.title ?? '');
  const inStep = event.type.startsWith('step.') && event.type !== 'step.started';
  return { number, time: event.time, kind, inStep, text: told(text) };
}

function said(event: RunEvent, title: string): readonly [kind: LogLine['kind'], text: string] {
  switch (event.type) {
    case 'run.started':
      return ['head', `${event.plan}: ${subjectOf(event)}, run ${event.run_id}`];
    case 'step.started':
      return ['head', event.attempt > 1 ? `${title} (attempt ${event.attempt})` : title];
    case 'step.progress':
      return ['soft', event.disks.map(progressOf).join('; ') || overallOf(event.overall)];
    case 'step.log':
      return event.level === 'warning' ? ['warning', `warning: ${event.message}`] : ['plain', event.message];
    case 'step.succeeded':
      return ['good', `done in ${formatDuration(event.duration_ms)}`];
    case 'step.skipped':
      return ['soft', `${title}: skipped: ${event.reason}`];
    case 'step.failed': {
      const retry = event.retry_in_ms === null ? '' : `; trying again in ${formatDuration(event.retry_in_ms)}`;
      return ['error', `failed: ${event.error.code}: ${event.error.message}${retry}`];
    }
    case 'undo.started':
      return ['head', `Cleaning up: ${title}`];
    case 'undo.finished':
      return ['soft', `cleaned up: ${title}`];
    case 'undo.failed':
      return ['error', `could not be cleaned up: ${event.error.code}: ${event.error.message}`];
    case 'run.cancelling':
      return [
        'warning',
        `${event.signal.startsWith('SIG') ? '' : 'cancelled by '}${event.signal}: stopping and cleaning up`,
      ];
    case 'run.finished':
      return [
        event.error === null ? 'good' : 'error',
        event.status === 'cancelled' ? 'the run was cancelled' : `the run ${event.status}`,
      ];
  }
}

function progressOf(disk: DiskProgressLine): string {
  const left = timeLeft(disk);
  const facts =
    disk.bytes_total === 0
      ? []
      : [
          `${percentOf(disk)} %`,
          bytesOf(disk),
          ...(disk.rate > 0 ? [formatRate(disk.rate)] : []),
          ...(left ? [`${left} left`] : []),
        ];
  return [`${disk.disk} ${disk.phase}`, ...facts].join(', ');
}

const overallOf = (overall: StepModel['overall'] | undefined): string =>
  overall ? `${overall.done} of ${overall.total}, ${overall.failed} failed` : '';

/** The log as text, as it is downloaded. */
export const logText = (lines: readonly LogLine[]): string =>
  lines.map(({ time, text, inStep }) => `${formatClock(time)} ${inStep ? '    ' : ''}${text}\n`).join('');
