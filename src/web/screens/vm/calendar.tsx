import './calendar.css';
import { Fragment, type JSX } from 'preact';
import { go } from '../../shell/router.ts';
import { DayLegend } from '../status/day-strip.tsx';
import { dayAfter, dayKinds, dayWidth, daysInWords, runsOfDay, shortDay } from '../status/days.ts';

export interface CalendarProps {
  readonly vm: string;
  /** A letter for each day, the oldest first. */
  readonly days: string;
  /** The oldest day: `2026-11-21`. */
  readonly first: string;
}

/** Height of a day, and what stands before and above the days, in the units of the drawing. */
const [dayHeight, left, top] = [18, 34, 20];
const weekDays = ['Mon', '', 'Wed', '', 'Fri', '', 'Sun'] as const;

/** 0 Monday to 6 Sunday. */
const weekDayOf = (day: string): number => (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;

/** The days of a VM, a column for each week. */
export function Calendar({ vm, days, first }: CalendarProps): JSX.Element {
  const letters = [...days];
  const skipped = weekDayOf(first);
  const weeks = Math.ceil((letters.length + skipped) / 7);
  const [width, height] = [left + weeks * dayWidth, top + 7 * dayHeight];
  const placeOf = (index: number): readonly [x: number, y: number] => [
    left + Math.floor((index + skipped) / 7) * dayWidth,
    top + ((index + skipped) % 7) * dayHeight,
  ];
  const months = letters.flatMap((_, index) => {
    const day = dayAfter(first, index);
    return day.endsWith('-01') ? [{ index, name: shortDay(day).slice(2) }] : [];
  });
  const failed = letters.flatMap((letter, index) => (letter === 'f' ? [dayAfter(first, index)] : [])).toReversed();
  return (
    <section class="block" aria-labelledby="calendar">
      <h2 id="calendar">The last {letters.length} days</h2>
      <DayLegend />
      <div class="calendar">
        <svg
          class="strip pressed"
          viewBox={`0 0 ${width} ${height}`}
          width={width}
          height={height}
          role="img"
          aria-label={daysInWords(days, first)}
        >
          {weekDays.map((name, index) => (
            <text key={index} x="0" y={top + index * dayHeight + 12}>
              {name}
            </text>
          ))}
          {months.map(({ index, name }) => (
            <text key={index} x={placeOf(index)[0]} y="12">
              {name}
            </text>
          ))}
          {letters.map((letter, index) => {
            const kind = dayKinds.find((one) => one.letter === letter);
            const [x, y] = placeOf(index);
            return kind ? (
              <g
                key={index}
                class={kind.name}
                transform={`translate(${x} ${y})`}
                onClick={() => go(runsOfDay(vm, dayAfter(first, index)))}
              >
                <rect class="day-ground" width={dayWidth} height={dayHeight} />
                <title>{`${shortDay(dayAfter(first, index))}: ${kind.word}`}</title>
                <path class={kind.hollow ? 'hollow' : ''} d={kind.shape(0)} />
              </g>
            ) : null;
          })}
        </svg>
      </div>
      {failed.length === 0 ? null : (
        <p class="soft failed-days">
          Failed:{' '}
          {failed.map((day, index) => (
            <Fragment key={day}>
              {index === 0 ? '' : ', '}
              <a href={runsOfDay(vm, day)}>{shortDay(day)}</a>
            </Fragment>
          ))}
        </p>
      )}
    </section>
  );
}
