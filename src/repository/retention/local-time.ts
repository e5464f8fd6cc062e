import { offsetAt, wallAt } from '../../time/zone-clock.ts';

const day = 24 * 60 * 60_000;

/** The periods of a time zone that a moment falls into. Two moments share a period exactly where its text is the same. */
export interface Periods {
  readonly hourly: string;
  readonly daily: string;
  readonly weekly: string;
  readonly monthly: string;
  readonly yearly: string;
}

/**
 * Answers the hour, day, ISO week (Monday to Sunday), month and year of moments, in a time zone. An hour that the clock
 * shows twice, when summer time ends, is two hours.
 * @throws RangeError for a time zone that does not exist
 */
export function periodsIn(timezone: string): (time: number) => Periods {
  assertZone(timezone);
  return (time) => {
    const offset = offsetAt(timezone, time);
    const local = time + offset;
    const date = new Date(local).toISOString();
    const split = date.indexOf('T');
    const daily = date.slice(0, split);
    return {
      hourly: `${daily} ${date.slice(split + 1, split + 3)}h${offsetText(offset)}`,
      daily,
      weekly: isoWeek(Math.floor(local / day)),
      monthly: daily.slice(0, -3),
      yearly: daily.slice(0, -6),
    };
  };
}

/** Answers what the zone's clock shows: `2026-11-21 01:30`. @throws RangeError for a time zone that does not exist */
export function wallClockIn(timezone: string): (time: number) => string {
  assertZone(timezone);
  return (time) => new Date(wallAt(timezone, time)).toISOString().slice(0, 16).replace('T', ' ');
}

const assertZone = (timezone: string): void => void offsetAt(timezone, 0);

/** ISO 8601 week of a day: `2026-W47`. It belongs to the year that has its Thursday. */
function isoWeek(number: number): string {
  // 1 January 1970 was a Thursday.
  const thursday = Math.floor((number + 3) / 7) * 7;
  const date = new Date(thursday * day);
  const year = date.getUTCFullYear();
  const week = Math.floor((thursday - Date.UTC(year, 0, 1) / day) / 7) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}

function offsetText(offset: number): string {
  const minutes = Math.abs(Math.trunc(offset / 60_000));
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
