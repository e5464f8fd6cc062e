import './progress-line.css';
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { formatRate, formatTimeLeft } from '../../../view/format.ts';
import { bytesOf, timeLeft } from '../../../view/run/disk-figures.ts';
import { now } from '../../design/moment.ts';
import { plain } from '../../design/text.tsx';
import { overallText, shareOf, type RunningProgress } from './progress.ts';

/** How far a run is, in one line: what it does, how much of it is done, how fast, and what is left. */
export function ProgressLine({ of: run }: { readonly of: RunningProgress }): JSX.Element {
  const share = shareOf(run);
  const title = plain(run.title ?? '');
  const disk = { disk: '', phase: '', ...run };
  const facts = run.overall
    ? [overallText(run.overall)]
    : [
        run.bytes_total === 0 ? '' : bytesOf(disk),
        run.rate > 0 ? formatRate(run.rate) : '',
        timeLeft(disk) && `${timeLeft(disk)} left`,
      ];
  return (
    <span class="progress-line">
      <span class="soft">{title}</span>
      {share === null ? null : (
        <>
          <progress max={100} value={share} aria-label={title} />
          <span>{facts.filter((fact) => fact !== '').join(' · ')}</span>
          <Old time={run.time} />
        </>
      )}
    </span>
  );
}

/** A run that moves data says so every second, ms. */
const oldMs = 3000;

/** Says since when a run has said no more, where that is long. By the clock of the reader: that of the hub may be another. */
export function Old({ time }: { readonly time: number }): JSX.Element | null {
  const heard = useMemo(() => Date.now(), [time]);
  const age = now.value - heard;
  return age < oldMs ? null : <span class="soft">as of {formatTimeLeft(age)} ago</span>;
}
