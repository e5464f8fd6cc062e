import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPatience } from '../../../src/hub/schedule/patience.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

test('what is wrong counts once it has lasted, and anew after it was over', () => {
  const patience = createPatience(2000);
  expect(patience.againMs()).toBe(null);
  expect(patience.lasted('a')).toBe(false);
  expect(patience.againMs()).toBe(2000);
  vi.advanceTimersByTime(1500);
  expect([patience.lasted('a'), patience.lasted('b')]).toEqual([false, false]);
  vi.advanceTimersByTime(500);
  expect([patience.lasted('a'), patience.lasted('b')]).toEqual([true, false]);
  patience.over('a');
  expect(patience.lasted('a')).toBe(false);
});

test('nobody looks again for what was told, or for files that nobody wants any more', () => {
  const patience = createPatience(2000);
  patience.lasted('a');
  vi.advanceTimersByTime(2000);
  expect(patience.lasted('a')).toBe(true);
  expect(patience.againMs()).toBe(null);
  patience.lasted('b');
  expect(patience.againMs()).toBe(2000);
  patience.keep((file) => file === 'a');
  expect(patience.againMs()).toBe(null);
});
