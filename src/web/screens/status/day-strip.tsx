import './day-grid.css';
import type { JSX, TargetedMouseEvent } from 'preact';
import { useMemo } from 'preact/hooks';
import { go } from '../../shell/router.ts';
import { dayAfter, dayKinds, daysInWords, dayWidth, runsOfDay, shortDay } from './days.ts';

export interface DayStripProps {
  readonly vm: string;
  /** A letter for each day, the oldest first. */
  readonly days: string;
  /** The oldest day: `2026-11-21`. */
  readonly first: string;
}

/** The days of a VM. Made anew only when they have changed: a list may have hundreds. */
export const DayStrip = ({ vm, days, first }: DayStripProps): JSX.Element =>
  useMemo(() => <Strip vm={vm} days={days} first={first} />, [vm, days, first]);

/** One path for each kind, however many days there are. */
function Strip({ vm, days, first }: DayStripProps): JSX.Element {
  const letters = [...days];
  const width = letters.length * dayWidth;
  const dayAt = ({ clientX, currentTarget }: TargetedMouseEvent<SVGSVGElement>): number => {
    const { left, width: shown } = currentTarget.getBoundingClientRect();
    return Math.floor(((clientX - left) / shown) * letters.length);
  };
  return (
    <svg
      class="strip pressed"
      viewBox={`0 0 ${width} 16`}
      width={width}
      role="img"
      aria-label={daysInWords(days, first)}
      onPointerMove={(event) => {
        const index = dayAt(event);
        const kind = dayKinds.find(({ letter }) => letter === letters[index]);
        const title = event.currentTarget.querySelector('title');
        if (kind && title) title.textContent = `${shortDay(dayAfter(first, index))}: ${kind.word}`;
      }}
      onClick={(event) => go(runsOfDay(vm, dayAfter(first, dayAt(event))))}
    >
      <title />
      {dayKinds.map(({ letter, name, hollow, shape }) => {
        const path = letters.flatMap((one, index) => (one === letter ? [shape(index * dayWidth)] : [])).join('');
        return path === '' ? null : (
          <g key={letter} class={name}>
            <path class={hollow ? 'hollow' : ''} d={path} />
          </g>
        );
      })}
    </svg>
  );
}

/** The days above the strips: each Monday. */
export function DayScale({ days, first }: { readonly days: number; readonly first: string }): JSX.Element {
  const width = days * dayWidth;
  const mondays = Array.from({ length: days }, (_, index) => index).filter(
    (index) => new Date(`${dayAfter(first, index)}T00:00:00Z`).getUTCDay() === 1 && index <= days - 3,
  );
  return (
    <svg class="strip" viewBox={`0 0 ${width} 16`} width={width} aria-hidden="true">
      {mondays.map((index) => (
        <text key={index} x={index * dayWidth} y="12">
          {shortDay(dayAfter(first, index))}
        </text>
      ))}
    </svg>
  );
}

/** What the shapes mean. */
export const DayLegend = (): JSX.Element => (
  <ul class="legend" aria-label="What the shapes mean">
    {dayKinds.map(({ letter, word, name, hollow, shape }) => (
      <li key={letter}>
        <svg class="strip" viewBox="0 0 12 16" aria-hidden="true">
          <g class={name}>
            <path class={hollow ? 'hollow' : ''} d={shape(0)} />
          </g>
        </svg>
        {word}
      </li>
    ))}
  </ul>
);
