import { createHash } from 'node:crypto';
import { parseDuration } from '../../time/duration.ts';
import { coversWall } from '../../plan/times/blackout-window.ts';
import type { Blackout, Schedule } from '../../schemas/types.ts';
import type { SlotPattern } from './slots.ts';
import { instantOf, wallAt } from '../../time/zone-clock.ts';

/** A plan's `schedule` with what it leaves out; times in ms. */
export interface ScheduleRules extends SlotPattern {
  readonly enabled: boolean;
  readonly jitter: number;
  readonly overlap: 'skip' | 'queue' | 'cancel';
  readonly catchUp: 'none' | 'latest' | 'all';
  readonly catchUpWindow: number;
  /** Failed runs one after another until it pauses; null: never. */
  readonly pauseAfter: number | null;
  readonly blackout: readonly Blackout[];
}

export function rulesOf(schedule: Schedule): ScheduleRules {
  const { pauseOnFailure: pause = false } = schedule;
  return {
    cron: schedule.cron,
    timezone: schedule.timezone ?? 'UTC',
    enabled: schedule.enabled ?? true,
    jitter: parseDuration(schedule.jitter ?? '0s'),
    overlap: schedule.overlap ?? 'skip',
    catchUp: schedule.catchUp ?? 'latest',
    catchUpWindow: parseDuration(schedule.catchUpWindow ?? '1d'),
    pauseAfter: typeof pause === 'number' ? pause : pause ? 1 : null,
    blackout: schedule.blackout ?? [],
  };
}

/** How much later than its slots a plan begins on a host, ms below `jitter`: the same each time, another for each plan. */
export function jitterOf(plan: string, host: string, jitter: number): number {
  if (jitter <= 0) return 0;
  const digest = createHash('sha256').update(`${host}\0${plan}`).digest();
  return Math.floor((digest.readUIntBE(0, 6) / 2 ** 48) * jitter);
}

/** Why nothing begins at this instant: the reason of a blackout in force; null: none is. */
export function blackoutAt({ blackout, timezone }: ScheduleRules, instant: number): string | null {
  if (blackout.length === 0) return null;
  const wall = wallAt(timezone, instant);
  const found = blackout.find((entry) =>
    entry.start === undefined ? coversWall(entry, wall) : coversInstant(entry, timezone, instant),
  );
  return found ? (found.reason ?? words(found)) : null;
}

const words = (entry: Blackout): string =>
  entry.start === undefined
    ? `blackout ${entry.from}-${entry.to}${entry.days ? ` ${entry.days.join(' ')}` : ''}`
    : `blackout ${entry.start} to ${entry.end}`;

const coversInstant = ({ start = '', end = '' }: Blackout, zone: string, instant: number): boolean =>
  instant >= dateTime(start, zone) && instant < dateTime(end, zone);

/** `2026-12-24T18:00`, in the zone where it names none; NaN: there is no such date. */
export function dateTime(text: string, zone: string): number {
  const written = text.replace(' ', 'T');
  if (/(Z|[+-]\d{2}:\d{2})$/.test(written)) return Date.parse(written);
  const wall = Date.parse(`${written}Z`);
  return Number.isNaN(wall) ? NaN : instantOf(zone, wall);
}
