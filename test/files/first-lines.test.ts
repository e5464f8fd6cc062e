import { expect, test } from 'vitest';
import { firstLines } from '../../src/files/first-lines.ts';

test('lines in pieces are put together, and empty ones are none', () => {
  const lines = firstLines(100);
  for (const piece of ['on', 'e\n\ntwo\nth', 'ree']) lines.add(piece);
  expect(lines.last()).toBe('three');
  expect(lines.all()).toEqual(['one', 'two', 'three']);
});

test('what there is no room for is counted, and the last line is known', () => {
  const lines = firstLines(10);
  lines.add(Array.from({ length: 1000 }, (_, at) => `line ${at}\n`).join(''));
  expect(lines.all()).toEqual(['line 0', 'and 999 more']);
  expect(lines.last()).toBe('line 999');
});

test('a line without an end does not grow', () => {
  const lines = firstLines(1_000_000);
  for (let at = 0; at < 100; at++) lines.add('x'.repeat(10_000));
  expect(lines.all().join('').length).toBeLessThan(20_000);
});
