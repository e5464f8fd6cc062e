/**
 * Wall clocks. A "wall" is the time that a clock on the wall shows, as the number of milliseconds since the epoch that the
 * same date and time would be in UTC. Intl's data of the tz database decides.
 */

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  return format;
}

/** Before it every zone has its first offset. Date.UTC takes the years 0 to 99 for 1900 to 1999, and a format names years before 1 alike. */
const earliest = Date.UTC(100, 0, 1);

/** What the zone adds to UTC at an instant, ms. @throws RangeError for a zone that does not exist */
export function offsetAt(zone: string, instant: number): number {
  if (zone === 'UTC') return 0;
  const second = Math.floor(Math.max(instant, earliest) / 1000) * 1000;
  // 11/1/2026, 01:30:00
  const [month, day, year, hour, minute, seconds] = formatOf(zone).format(second).split(/\D+/).map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, seconds) - second;
}

/** What the clock on the wall shows at an instant. */
export const wallAt = (zone: string, instant: number): number => instant + offsetAt(zone, instant);

const hour = 3_600_000;

/** The first instant at which the wall shows this time; where it never does, because a clock change skips it, the first after it. */
export function instantOf(zone: string, wall: number): number {
  // No zone is further from UTC than 14 hours, so the instant is between these.
  const from = wall - 15 * hour;
  const to = wall + 15 * hour;
  const before = offsetAt(zone, from);
  const after = offsetAt(zone, to);
  if (before === after) return wall - before;
  for (const offset of [before, after]) if (offsetAt(zone, wall - offset) === offset) return wall - offset;
  return changeBetween(zone, from, to);
}

/** Every instant at which the wall shows this time, the earliest first: none, one, or two where the clock is put back. */
export function instantsOf(zone: string, wall: number): number[] {
  const offsets = [offsetAt(zone, wall - 15 * hour), offsetAt(zone, wall + 15 * hour)];
  return [...new Set(offsets.map((offset) => wall - offset))]
    .filter((instant) => wallAt(zone, instant) === wall)
    .toSorted((a, b) => a - b);
}

/** The first instant after `from` at which the zone's offset is another; there must be one until `to`. */
export function changeBetween(zone: string, from: number, to: number): number {
  const offset = offsetAt(zone, from);
  let low = Math.floor(from / 1000);
  let high = Math.ceil(to / 1000);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle * 1000) === offset) low = middle;
    else high = middle;
  }
  return high * 1000;
}
