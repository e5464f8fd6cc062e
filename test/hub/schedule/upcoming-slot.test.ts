import { expect, test } from 'vitest';
import { nextSlot, type SlotPattern } from '../../../src/hub/schedule/slots.ts';
import { upcomingSlot } from '../../../src/hub/schedule/upcoming-slot.ts';
import { random } from '../../support/random.ts';

const hour = 3_600_000;
/** Just before the clocks of Europe go back. */
const before = Date.UTC(2026, 9, 24, 22);

test('what is remembered is what the calendar says, also when the clock is set back', () => {
  const numbers = random('clock');
  const patterns = ['0 3 * * *', '*/20 * * * *', '30 2 * * 0', '0 0 29 2 *', '0 0 31 2 *'].flatMap((cron) =>
    ['UTC', 'Europe/London'].map((timezone) => ({ cron, timezone })),
  );
  let now = before;
  for (let round = 0; round < 500; round++) {
    now += numbers.int(0, 20) === 0 ? -3 * hour : numbers.int(0, hour / 10);
    const pattern = patterns[numbers.int(0, patterns.length)] as SlotPattern;
    expect(upcomingSlot(pattern, now), JSON.stringify({ ...pattern, now })).toBe(nextSlot(pattern, now));
  }
});

test('at the slot itself the next one is meant', () => {
  const daily = { cron: '0 3 * * *', timezone: 'UTC' };
  const slot = upcomingSlot(daily, before) ?? 0;
  expect(upcomingSlot(daily, slot)).toBe(slot + 24 * hour);
});
