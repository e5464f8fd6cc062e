import { SendenseError } from '../../errors/sendense-error.ts';
import { cronFields, numbersOf } from './cron-walls.ts';
import type { SlotPattern } from './slots.ts';

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/**
 * A cron expression as `OnCalendar=` of systemd, systemd.time(7); one of several fires the timer. Two where cron names
 * both a day of the month and a weekday, either of which is enough.
 * @throws SendenseError `schedule.inexpressible`
 */
export function systemdCalendar({ cron, timezone }: SlotPattern): string[] {
  const [second, minute, hour, day, month, weekday] = cronFields(cron);
  const time = [list(cron, hour, 0, 23), list(cron, minute, 0, 59), list(cron, second, 0, 59)].join(':');
  const inMonths = list(cron, named(month, months, 1), 1, 12);
  const isAny = (field: string): boolean => field === '*' || field === '?';
  const byDate = `*-${inMonths}-${list(cron, day, 1, 31)} ${time} ${timezone}`;
  const onDays = weekdays(cron, named(weekday, days, 0));
  const byWeekday = `${onDays}*-${inMonths}-* ${time} ${timezone}`;
  if (isAny(weekday)) return [byDate];
  return isAny(day) ? [byWeekday] : [byDate, byWeekday];
}

/** Names of months or weekdays as numbers. */
const named = (field: string, names: readonly string[], first: number): string =>
  field.replaceAll(/[A-Za-z]+/g, (word) => {
    const index = names.indexOf(word.toLowerCase());
    return index < 0 ? word : String(index + first);
  });

function list(cron: string, field: string, from: number, to: number): string {
  const numbers = numbersOf(field, from, to);
  if (!numbers) throw inexpressible(cron, field);
  if (numbers.length === to - from + 1) return '*';
  return numbers.map((number) => String(number).padStart(2, '0')).join(',');
}

function weekdays(cron: string, field: string): string {
  // Sunday is 0 and 7.
  const numbers = numbersOf(field, 0, 7);
  if (!numbers) throw inexpressible(cron, field);
  const wanted = new Set(numbers.map((number) => number % 7));
  if (wanted.size === 7) return '';
  const names = [...wanted].sort((a, b) => a - b).map((number) => days[number] ?? '');
  return `${names.map((name) => name.charAt(0).toUpperCase() + name.slice(1)).join(',')} `;
}

const inexpressible = (cron: string, field: string): SendenseError =>
  new SendenseError('schedule.inexpressible', `systemd has no words for "${field}" in the cron expression "${cron}"`);
