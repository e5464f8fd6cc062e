import type { PrunedPoint } from '../../schemas/types.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { padEnd, widthOf } from '../text.ts';

const dayMs = 86_400_000;
const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** Columns of a day: its number, and a mark for each restore point, up to four; more are counted. */
const cellColumns = 8;

/**
 * A line a week, Monday to Sunday, with a mark for each restore point: filled where it stays, hollow where it goes. Weeks
 * without one are left out. `points` oldest first.
 */
export function pruneCalendar(points: readonly PrunedPoint[], { style }: SummaryOptions): string[] {
  const days = Map.groupBy(points, ({ local }) => dayOf(local));
  const weeks = [...new Set([...days.keys()].map((day) => Math.floor((day + 3) / 7)))].sort((a, b) => a - b);
  const head = `  ${' '.repeat(8)}  ${weekdays.map((name) => padEnd(name, cellColumns)).join('')}`.trimEnd();
  let month = '';
  const lines = weeks.map((week) => {
    // 1 January 1970, day 0, was a Thursday.
    const monday = week * 7 - 3;
    const used = Array.from({ length: 7 }, (_, at) => monday + at).filter((day) => days.has(day));
    const names = monthsOf(used);
    const label = names === month ? '' : names;
    month = names;
    const cells = weekdays.map((_, at) => cell(monday + at, days.get(monday + at) ?? [], style));
    return `  ${padEnd(label, 8)}  ${cells.join('')}`.trimEnd();
  });
  const { stays, goes } = marksOf(style);
  return [style.dim(head), ...lines, style.dim(`  ${' '.repeat(8)}  ${stays} stays  ${goes} goes`)];
}

const marksOf = ({ unicode }: SummaryOptions['style']): { stays: string; goes: string } =>
  unicode ? { stays: '●', goes: '○' } : { stays: '*', goes: '-' };

/** Days since 1 January 1970. */
const dayOf = (local: string): number => Math.floor(Date.parse(`${local.slice(0, -6)}T00:00:00Z`) / dayMs);

/** `Nov 2026`, of the last day that has a point: a month begins in the week in which it has its first. */
function monthsOf(days: readonly number[]): string {
  const date = new Date((days.at(-1) ?? 0) * dayMs);
  return `${months[date.getUTCMonth()] ?? ''} ${date.getUTCFullYear()}`;
}

function cell(day: number, points: readonly PrunedPoint[], style: SummaryOptions['style']): string {
  if (points.length === 0) return ' '.repeat(cellColumns);
  const { stays, goes } = marksOf(style);
  const number = String(new Date(day * dayMs).getUTCDate()).padStart(2);
  const kept = points.filter(({ keep }) => keep).length;
  const marks =
    points.length <= 4
      ? points.map(({ keep }) => (keep ? style.green(stays) : style.dim(goes))).join('')
      : `${kept}/${points.length}`;
  const text = `${number} ${marks}`;
  return text + ' '.repeat(Math.max(1, cellColumns - widthOf(text)));
}
