import { expect, test } from 'vitest';
import { windowOf } from '../../../src/hub/ssh-server/wide-window.ts';

const MiB = 1024 * 1024;

test('a few channels nearby have all that they can use', () => {
  expect(windowOf(0, 0)).toBe(2 * MiB);
  expect(windowOf(16, 0)).toBe(2 * MiB);
});

test('a long line is filled, by all channels together', () => {
  expect(windowOf(4, 50) * 4).toBeGreaterThanOrEqual(12.5e6);
  expect(windowOf(1, 200)).toBe(8 * MiB);
  expect(windowOf(101, 200) * 101).toBeCloseTo(32 * MiB);
});

test('many channels nearby do not fill the memory of both ends, and each can send a packet', () => {
  expect(windowOf(101, 0) * 101).toBeLessThan(6 * MiB);
  expect(windowOf(101, 1) * 101).toBeLessThan(6 * MiB);
  expect(windowOf(1000, 0)).toBeGreaterThanOrEqual(32 * 1024);
});
