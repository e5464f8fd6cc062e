/**
 * An independent calculation of when a plan is due: goes through time minute by minute, with what Intl says that the clock on
 * the wall shows, and applies the table of docs/schedules.md literally. Knows no cron library and no arithmetic of offsets.
 */
export interface OraclePattern {
  /** Minutes and hours of a day at which it is due. */
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** 0 is Sunday; default: every day. */
  readonly weekdays?: readonly number[];
  readonly months?: readonly number[];
  readonly days?: readonly number[];
}

const minuteMs = 60_000;
/** Clocks are changed at quarters of an hour of UTC only, so that one question is enough for each. */
const quarter = 15;

/** What the wall shows in each minute from an instant on, as minutes since the epoch of a clock that is never changed. */
export function wallMinutes(zone: string, from: number, to: number): Float64Array {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  const walls = new Float64Array(Math.floor((to - from) / minuteMs) + 1);
  for (let at = 0; at < walls.length; at += quarter) {
    const shown = Date.parse(`${format.format(from + at * minuteMs).replace(' ', 'T')}Z`) / minuteMs;
    for (let more = 0; more < quarter && at + more < walls.length; more++) walls[at + more] = shown + more;
  }
  return walls;
}

function matcher(pattern: OraclePattern): (wall: number) => boolean {
  const { minutes, hours, weekdays, months, days } = pattern;
  const due = Array.from({ length: 1440 }, (_, at) => minutes.includes(at % 60) && hours.includes(Math.floor(at / 60)));
  return (wall) => {
    if (!due[((wall % 1440) + 1440) % 1440]) return false;
    const date = new Date(wall * minuteMs);
    return (
      (weekdays?.includes(date.getUTCDay()) ?? true) &&
      (months?.includes(date.getUTCMonth() + 1) ?? true) &&
      (days?.includes(date.getUTCDate()) ?? true)
    );
  };
}

/** Slots from `from` on, a quarter of an hour that is well away from a clock change. */
export function oracleSlots(pattern: OraclePattern, walls: Float64Array, from: number): number[] {
  const slots: number[] = [];
  const matches = matcher(pattern);
  const everyHour = pattern.hours.length === 24;
  let latest = (walls[0] ?? 0) - 1;
  for (const [at, wall] of walls.entries()) {
    let due = false;
    if (everyHour) due = matches(wall);
    // Otherwise the wall shows what it has shown before: the repeated hour.
    else if (wall > latest) {
      // More than one minute where the wall has jumped: whatever was due in between is due now, once.
      for (let shown = latest + 1; shown <= wall; shown++) due ||= matches(shown);
      latest = wall;
    }
    if (due) slots.push(from + at * minuteMs);
  }
  return slots;
}
