import type { RunEvent, StepProgressEvent } from '../../schemas/types.ts';
import { bytesOf, percentOf, timeLeft, type DiskProgressLine } from './disk-figures.ts';
import { formatClock, formatDuration, formatRate, subjectOf } from '../format.ts';
import { applyEvent, emptyRun, hasFailed, modeOf } from './run-model.ts';
import type { RunView } from './run-view.ts';
import { stepRemark } from './step-remark.ts';
import type { Terminal } from '../terminal.ts';
import { printable } from '../text.ts';

/** A disk's progress is told at most every ten seconds, or when ten more per cent are done. */
const everyMs = 10_000;
const everyPercent = 10;

/** Lines with the time of day, for log files and pipes. */
export function plainView({ stderr, errorStyle: style }: Terminal): RunView {
  const model = emptyRun();
  const told = new Map<string, { time: number; percent: number; phase: string }>();
  const say = (time: number, text: string): void => void stderr.write(`${style.dim(formatClock(time))} ${text}\n`);

  const isDue = (time: number, disk: DiskProgressLine): boolean => {
    const percent = percentOf(disk);
    const last = told.get(disk.disk);
    const due =
      last?.phase !== disk.phase ||
      (percent !== last.percent && (time - last.time >= everyMs || percent >= last.percent + everyPercent));
    if (due) told.set(disk.disk, { time, percent, phase: disk.phase });
    return due;
  };

  /** An incremental finds that nothing changed; a full of an empty disk has nothing to copy. */
  const nothingCopied = (disk: string): string =>
    modeOf(model, disk) === 'incremental' ? 'nothing changed' : 'nothing to copy';

  const progress = ({ time, disks }: StepProgressEvent): void => {
    for (const disk of disks) {
      if (disk.phase === 'waiting' || !isDue(time, disk)) continue;
      if (disk.bytes_total === 0) {
        say(time, `    ${disk.disk} ${disk.phase}${disk.phase === 'done' ? `: ${nothingCopied(disk.disk)}` : ''}`);
        continue;
      }
      const facts = [`${percentOf(disk)} %`, bytesOf(disk)];
      if (disk.rate > 0) facts.push(formatRate(disk.rate));
      const left = timeLeft(disk);
      if (left) facts.push(`${left} left`);
      say(time, `    ${disk.disk} ${disk.phase} ${facts.join(', ')}`);
    }
  };

  const show = (event: RunEvent): void => {
    const step = applyEvent(model, event);
    const { time } = event;
    const title = step ? step.title : '';
    switch (event.type) {
      case 'run.started':
        return say(time, style.bold(`${event.plan}: ${subjectOf(event)}, run ${event.run_id}`));
      case 'step.started':
        told.clear();
        return say(time, event.attempt > 1 ? `${title} (attempt ${event.attempt})` : title);
      case 'step.progress':
        return progress(event);
      case 'step.log':
        return say(
          time,
          `    ${event.level === 'warning' ? style.yellow('warning: ') : ''}${printable(event.message)}`,
        );
      case 'step.succeeded': {
        const remark = stepRemark(step?.uses ?? '', event.output);
        return say(
          time,
          `  ${style.green('done')} in ${formatDuration(event.duration_ms)}${remark ? `: ${printable(remark)}` : ''}`,
        );
      }
      case 'step.skipped':
        return hasFailed(model) ? undefined : say(time, `${title}: skipped, ${printable(event.reason)}`);
      case 'step.failed': {
        const retry = event.retry_in_ms === null ? '' : `; trying again in ${formatDuration(event.retry_in_ms)}`;
        return say(time, `  ${style.red('failed')}: ${event.error.code}: ${printable(event.error.message)}${retry}`);
      }
      case 'undo.started':
        return say(time, `Cleaning up: ${title}`);
      case 'undo.finished':
        return;
      case 'undo.failed':
        return say(
          time,
          `  ${style.red('could not be cleaned up')}: ${event.error.code}: ${printable(event.error.message)}`,
        );
      case 'run.cancelling':
        return say(time, style.yellow(cancelText(event.signal)));
      case 'run.finished':
        return;
    }
  };
  return { event: show, close: () => Promise.resolve() };
}

/** @param by a signal, or who asked for it over HTTP */
const cancelText = (by: string): string =>
  by.startsWith('SIG')
    ? `${by}: stopping and cleaning up; a second signal stops at once`
    : `cancelled by ${printable(by)}: stopping and cleaning up`;
