import { expect, it } from 'vitest';
import { expectedSeconds } from './timings.ts';

const timings = { 'test/a/one.test.ts': 1, 'test/a/two.test.ts': 2, 'test/a/b/three.test.ts': 30, 'test/c.test.ts': 9 };

it('a file that was never timed is expected to take as long as most of the nearest folder that has timed ones', () => {
  expect(expectedSeconds('test/a/two.test.ts', timings)).toBe(2);
  expect(expectedSeconds('test/a/b/new.test.ts', timings)).toBe(30);
  expect(expectedSeconds('test/a/new.test.ts', timings)).toBe(2);
  expect(expectedSeconds('test/new/new.test.ts', timings)).toBe(9);
  expect(expectedSeconds('elsewhere/new.test.ts', timings)).toBe(Infinity);
});
