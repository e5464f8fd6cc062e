import { expect, test } from 'vitest';
import { decideNamed } from '../../../src/restore-points/prune/named-points.ts';
import { decideRetention, type PolicyPoint } from '../../../src/repository/retention/policy.ts';

const day = 86_400_000;
const now = Date.parse('2026-11-24T12:00Z');

const point = (id: string, daysAgo: number, more: Partial<PolicyPoint> = {}): PolicyPoint => ({
  id,
  created: now - daysAgo * day,
  protected: false,
  broken: false,
  ...more,
});
const safety = (id: string, daysAgo: number, more: Partial<PolicyPoint> = {}): PolicyPoint =>
  point(id, daysAgo, { beforeRestore: true, ...more });
const kept = (points: readonly PolicyPoint[], policy: Parameters<typeof decideRetention>[1]): string[] =>
  decideRetention(points, policy, now, 'UTC')
    .filter(({ keep }) => keep)
    .map(({ id }) => id);

test('a backup before a restore takes no place of a regular one, and stays for 30 days', () => {
  const points = [point('a', 2), point('b', 1), safety('s', 0.5)];
  expect(kept(points, { last: 1 })).toEqual(['b', 's']);
  expect(kept(points, { daily: 2 })).toEqual(['a', 'b', 's']);
  expect(kept([point('a', 60), safety('s', 31), safety('t', 29), point('b', 1)], { last: 1 })).toEqual(['t', 'b']);
});

test('by name it can go, and the newest regular one cannot', () => {
  const points = [point('a', 2), point('b', 1), safety('s', 0.5)];
  const goes = (...names: string[]): string[] =>
    decideNamed(points, new Set(names), now, 'UTC')
      .filter(({ keep }) => !keep)
      .map(({ id }) => id);
  expect([goes('s'), goes('b'), goes('a', 'b', 's')]).toEqual([['s'], [], ['a', 's']]);
});

test('minAge and protection count for it as for others', () => {
  const points = [safety('old', 40), safety('held', 50, { protected: true }), point('b', 1)];
  expect(kept(points, { last: 1 })).toEqual(['held', 'b']);
  expect(kept(points, { last: 1, minAge: '60d' })).toEqual(['old', 'held', 'b']);
});

test('it is the newest one where there is no other sound one', () => {
  expect(kept([safety('s', 40), safety('t', 39)], { last: 1 })).toEqual(['t']);
  expect(kept([point('a', 50, { broken: true }), safety('s', 40)], { last: 1 })).toEqual(['s']);
});
