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
  const offsetAt = offsetsOf(timezone);
  return (time) => {
    const offset = offsetAt(time);
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
  const offsetAt = offsetsOf(timezone);
  return (time) => new Date(time + offsetAt(time)).toISOString().slice(0, 16).replace('T', ' ');
}

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

/** What to add to UTC, in ms. */
function offsetsOf(timezone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (time) => {
    const second = Math.floor(time / 1000) * 1000;
    const parts = new Map(format.formatToParts(second).map(({ type, value }) => [type, value]));
    const number = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
    const local = new Date(0);
    local.setUTCFullYear(
      parts.get('era') === 'BC' ? 1 - number('year') : number('year'),
      number('month') - 1,
      number('day'),
    );
    local.setUTCHours(number('hour'), number('minute'), number('second'));
    return local.getTime() - second;
  };
}
