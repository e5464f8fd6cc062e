import { describe, expect, test } from 'vitest';
import { newestSlots, nextSlot, slotBefore, slotsBetween } from '../../../src/hub/schedule/slots.ts';
import { instantOf, offsetAt } from '../../../src/time/zone-clock.ts';
import { oracleSlots, wallMinutes, type OraclePattern } from './minute-oracle.ts';
import { all } from '../../support/rounds.ts';

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const patterns: readonly (readonly [cron: string, pattern: OraclePattern])[] = [
  ['30 1 * * *', { minutes: [30], hours: [1] }],
  ['0 0 * * *', { minutes: [0], hours: [0] }],
  ['15 2 * * *', { minutes: [15], hours: [2] }],
  ['*/20 1-3 * * *', { minutes: [0, 20, 40], hours: [1, 2, 3] }],
  ['0 */2 * * *', { minutes: [0], hours: upTo(24).filter((hour) => hour % 2 === 0) }],
  ['30 2 * * SUN', { minutes: [30], hours: [2], weekdays: [0] }],
  ['0 3 1 * *', { minutes: [0], hours: [3], days: [1] }],
  ['45 * * * *', { minutes: [45], hours: upTo(24) }],
  ['*/15 * * * *', { minutes: [0, 15, 30, 45], hours: upTo(24) }],
  ['10 * * 3,4,10,11 0', { minutes: [10], hours: upTo(24), months: [3, 4, 10, 11], weekdays: [0] }],
];

/** Clock changes of an hour at 01:00 UTC, at midnight, by half an hour, south of the equator, twice around Ramadan; and none. */
const zones = [
  'Europe/London',
  'America/New_York',
  'America/Santiago',
  'America/Havana',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Asia/Kolkata',
];

describe('a simulated clock, against a walk through every minute', () => {
  test.each(zones)('%s, for years', { timeout: 300_000 }, (timezone) => {
    // One has each change of the clock once, and a leap day.
    const end = all ? '2028-01-10T12:00:00Z' : '2025-01-10T12:00:00Z';
    const years = [Date.parse('2024-01-10T12:00:00Z'), Date.parse(end)] as const;
    // What is due several times a day has very many slots: the weeks in which clocks are changed are enough.
    const weeks = [
      ['2026-03-01T12:00:00Z', '2026-04-12T12:00:00Z'],
      ['2026-08-30T12:00:00Z', '2026-09-13T12:00:00Z'],
      ['2026-09-28T12:00:00Z', '2026-11-05T12:00:00Z'],
    ].map(([from = '', to = '']) => [Date.parse(from), Date.parse(to)] as const);
    const isDense = ([, { minutes, hours }]: (typeof patterns)[number]): boolean => minutes.length * hours.length > 1;
    const compare = (from: number, to: number, some: typeof patterns): void => {
      const walls = wallMinutes(timezone, from, to);
      for (const [cron, pattern] of some)
        expect([...slotsBetween({ cron, timezone }, from - 1, to)], cron).toEqual(oracleSlots(pattern, walls, from));
    };
    compare(
      ...years,
      patterns.filter((entry) => !isDense(entry)),
    );
    for (const span of weeks) compare(...span, patterns.filter(isDense));
  });

  test('a day that a country left out', () => {
    const timezone = 'Pacific/Apia';
    const from = Date.parse('2011-12-28T12:00:00Z');
    const to = Date.parse('2012-01-02T12:00:00Z');
    const walls = wallMinutes(timezone, from, to);
    for (const [cron, pattern] of patterns)
      expect([...slotsBetween({ cron, timezone }, from - 1, to)], cron).toEqual(oracleSlots(pattern, walls, from));
  });
});

/** The table of docs/schedules.md. */
describe('where the clock changes in Europe/London', () => {
  const slots = (cron: string, from: string, to: string): string[] =>
    [...slotsBetween({ cron, timezone: 'Europe/London' }, Date.parse(from) - 1, Date.parse(to))].map((slot) =>
      new Date(slot).toISOString().slice(5, 16),
    );
  const spring = (cron: string): string[] => slots(cron, '2026-03-29T00:00:00Z', '2026-03-29T02:59:00Z');
  const autumn = (cron: string): string[] => slots(cron, '2026-10-25T00:00:00Z', '2026-10-25T02:59:00Z');

  test('a daily time that is skipped comes at the moment of the change', () => {
    expect(spring('30 1 * * *')).toEqual(['03-29T01:00']);
  });
  test('several that are skipped come once', () => {
    expect(spring('*/15 1 * * *')).toEqual(['03-29T01:00']);
  });
  test('a daily time that is repeated comes the first time', () => {
    expect(autumn('30 1 * * *')).toEqual(['10-25T00:30']);
    expect(autumn('*/30 1 * * *')).toEqual(['10-25T00:00', '10-25T00:30']);
  });
  test('every hour goes on by the hour', () => {
    expect(spring('30 * * * *')).toEqual(['03-29T00:30', '03-29T01:30', '03-29T02:30']);
    expect(autumn('30 * * * *')).toEqual(['10-25T00:30', '10-25T01:30', '10-25T02:30']);
  });
  test('a daily time outside of it is not touched', () => {
    expect(spring('30 2 * * *')).toEqual(['03-29T01:30']);
    expect(autumn('30 2 * * *')).toEqual(['10-25T02:30']);
  });
});

test('the next slot is after the instant, whichever that is', () => {
  const pattern = { cron: '30 1 * * *', timezone: 'Europe/London' };
  const from = Date.parse('2026-10-20T00:00:00Z');
  const known = [...slotsBetween(pattern, from, from + 12 * 86_400_000)];
  for (let instant = from; instant < from + 10 * 86_400_000; instant += 37 * 60_000 + 13)
    expect(nextSlot(pattern, instant)).toBe(known.find((slot) => slot > instant));
});

test('a slot at the very instant is not after it, and is the last before it', () => {
  const pattern = { cron: '0 0 * * *', timezone: 'UTC' };
  const slot = Date.parse('2026-01-01T00:00:00Z');
  expect(nextSlot(pattern, slot - 1)).toBe(slot);
  expect(nextSlot(pattern, slot)).toBe(slot + 86_400_000);
  expect(slotBefore(pattern, slot)).toBe(slot);
  expect(slotBefore(pattern, slot - 1)).toBe(slot - 86_400_000);
});

test('seconds', () => {
  const pattern = { cron: '*/20 * * * * *', timezone: 'Asia/Kolkata' };
  expect(nextSlot(pattern, 1_000_000_000_100)).toBe(1_000_000_020_000);
});

test('the 29th of February is found, also looking back', () => {
  const pattern = { cron: '0 4 29 2 *', timezone: 'Europe/Berlin' };
  expect(nextSlot(pattern, Date.parse('2026-01-01T00:00:00Z'))).toBe(Date.parse('2028-02-29T03:00:00Z'));
  expect(slotBefore(pattern, Date.parse('2026-01-01T00:00:00Z'))).toBe(Date.parse('2024-02-29T03:00:00Z'));
});

test('of many slots of the past the newest are given', () => {
  const pattern = { cron: '* * * * *', timezone: 'UTC' };
  const now = Date.parse('2026-01-01T00:00:30Z');
  const slots = newestSlots(pattern, 0, now, 100);
  expect(slots).toHaveLength(100);
  expect(slots.at(-1)).toBe(now - 30_000);
  expect(newestSlots(pattern, now - 150_000, now, 100)).toHaveLength(2);
});

test('the wall and the instant agree at every hour of a year', () => {
  for (const zone of zones) {
    for (let at = Date.parse('2026-01-01T00:00:00Z'); at < Date.parse('2027-01-01T00:00:00Z'); at += 3 * 3_600_000) {
      const wall = at + offsetAt(zone, at);
      const first = instantOf(zone, wall);
      // In a repeated hour the first of two instants.
      expect(first === at || (first < at && at - first <= 3_600_000 && first + offsetAt(zone, first) === wall)).toBe(
        true,
      );
    }
  }
});
