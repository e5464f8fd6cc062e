import { expect, test } from 'vitest';
import { sinceOf } from '../../src/cli/since.ts';
import { parseDuration } from '../../src/time/duration.ts';
import { ageMs, monthsNotMinutes } from '../../src/schemas/age-ms.ts';

const hour = 3_600_000;

test('spans of time: months are mo, and m is minutes alone', () => {
  expect([ageMs('36h'), ageMs('2w'), ageMs('6mo'), ageMs('1y')]).toEqual([
    36 * hour,
    14 * 24 * hour,
    180 * 24 * hour,
    365 * 24 * hour,
  ]);
  expect(parseDuration('5m')).toBe(300_000);
  for (const text of ['5m', '6M', '5min', '1', 'mo', '']) expect(() => ageMs(text), text).toThrow(RangeError);
});

test('who writes m for months is told both ways out', () => {
  const remedy = 'Months are mo: write 90mo. m is minutes, and there are none here: write 2h for that long.';
  expect(monthsNotMinutes('90m')).toBe(remedy);
  for (const text of ['5mo', '5h', 'm', '5']) expect(monthsNotMinutes(text), text).toBeNull();
  expect(() => sinceOf('90m')).toThrow(expect.objectContaining({ code: 'usage', remedy }) as Error);
  expect(sinceOf('6mo', 200 * 24 * hour)).toBe(20 * 24 * hour);
});
