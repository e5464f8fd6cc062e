import type { Blackout, TimetableBlackout } from '../../schemas/types.ts';
import { instantOf, wallAt } from '../../time/zone-clock.ts';
import { dateTime, type ScheduleRules } from '../schedule/schedule-rules.ts';

const dayMs = 86_400_000;
const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

interface Span {
  readonly from: number;
  readonly to: number;
}

/** When plans may not begin between two instants; what several plans have alike stands once. */
export function blackoutSpans(all: readonly ScheduleRules[], from: number, to: number): TimetableBlackout[] {
  const entries = all.flatMap(({ blackout, timezone }) => blackout.map((entry) => ({ entry, timezone })));
  const alike = Map.groupBy(entries, ({ entry, timezone }) => JSON.stringify([entry, timezone]));
  return [...alike.values()]
    .flatMap((those) => {
      const [first] = those;
      if (!first) return [];
      const { entry, timezone } = first;
      const reason = entry.reason ?? null;
      return spansOf(entry, timezone, { from, to }).map((span) => ({ ...span, reason, plans: those.length }));
    })
    .toSorted((a, b) => a.from - b.from || a.to - b.to);
}

function spansOf(entry: Blackout, zone: string, within: Span): Span[] {
  const spans = entry.start === undefined ? weekly(entry, zone, within) : [once(entry, zone)];
  return spans
    .filter(({ from, to }) => from < within.to && to > within.from)
    .map(({ from, to }) => ({ from: Math.max(from, within.from), to: Math.min(to, within.to) }));
}

const once = ({ start = '', end = '' }: Blackout, zone: string): Span => ({
  from: dateTime(start, zone),
  to: dateTime(end, zone),
});

/** By the clock on the wall, as `coversWall` has it. */
function weekly({ from = '00:00', to = '24:00', days }: Blackout, zone: string, within: Span): Span[] {
  const [begin, end] = [timeOfDay(from), timeOfDay(to)];
  const length = begin < end ? end - begin : end - begin + dayMs;
  const first = Math.floor(wallAt(zone, within.from) / dayMs) - 1;
  const last = Math.floor(wallAt(zone, within.to) / dayMs);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * dayMs)
    .filter((wall) => !days || days.includes(dayNames[new Date(wall).getUTCDay()] ?? 'sun'))
    .map((wall) => ({ from: instantOf(zone, wall + begin), to: instantOf(zone, wall + begin + length) }));
}

function timeOfDay(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return (hours * 60 + minutes) * 60_000;
}
