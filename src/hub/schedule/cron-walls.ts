import { Cron } from 'croner';

interface Pattern {
  readonly cron: string;
  readonly job: Cron;
}

/**
 * Those that were asked last. Few, because each takes 80 KB, and many plans share one; and in an array whose places are
 * used again: what a Map leaves behind as it goes on keeps what it held alive until the next full garbage collection.
 */
const recent: Pattern[] = [];
const kept = 8;
let oldest = 0;

/**
 * The next time on the wall, after this one, that a cron expression names; null: none ever comes. croner reads the
 * expression and knows the calendar; it is asked in UTC, because what a clock change does is decided in `slots.ts`.
 * @throws Error where it is no cron expression, which `checkSchedule` refuses
 */
export function nextWall(cron: string, wall: number): number | null {
  return jobOf(cron).nextRun(new Date(wall))?.getTime() ?? null;
}

function jobOf(cron: string): Cron {
  const known = recent.find((pattern) => pattern.cron === cron);
  if (known) return known.job;
  // With an offset and no zone croner calculates, and asks nobody for a calendar.
  const job = new Cron(cron, { paused: true, mode: '5-or-6-parts', utcOffset: 0 });
  recent[oldest] = { cron, job };
  oldest = (oldest + 1) % kept;
  return job;
}

/** The fields of an expression with seconds; nicknames as what they stand for. */
export function cronFields(cron: string): readonly [string, string, string, string, string, string] {
  const text = cron.trim();
  const fields = (nicknames[text.toLowerCase()] ?? text).split(/\s+/);
  const [second = '0', minute = '*', hour = '*', day = '*', month = '*', weekday = '*'] =
    fields.length === 5 ? ['0', ...fields] : fields;
  return [second, minute, hour, day, month, weekday];
}

/** As croner reads them. */
const nicknames: Readonly<Record<string, string>> = {
  '@yearly': '0 0 0 1 1 *',
  '@annually': '0 0 0 1 1 *',
  '@monthly': '0 0 0 1 * *',
  '@weekly': '0 0 0 * * 0',
  '@daily': '0 0 0 * * *',
  '@midnight': '0 0 0 * * *',
  '@hourly': '0 0 * * * *',
};

/** The numbers that a field of plain numbers, ranges and steps names; null: it has names or signs of another kind. */
export function numbersOf(field: string, from: number, to: number): number[] | null {
  const found = new Set<number>();
  for (const part of field.split(',')) {
    const match = /^(?:([*?])|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    if (!match) return null;
    const [, star, first, last, step] = match;
    const low = star === undefined ? Number(first) : from;
    // 5/10 means from 5 on.
    const high = star !== undefined || (last === undefined && step !== undefined) ? to : Number(last ?? first);
    if (low < from || high > to || low > high || Number(step ?? 1) < 1) return null;
    for (let number = low; number <= high; number += Number(step ?? 1)) found.add(number);
  }
  return [...found].sort((a, b) => a - b);
}

/** Whether an expression goes on around the clock: each hour of a day is named. */
export const isEveryHour = (cron: string): boolean => numbersOf(cronFields(cron)[2], 0, 23)?.length === 24;
