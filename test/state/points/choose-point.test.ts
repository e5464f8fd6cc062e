import { expect, test } from 'vitest';
import { choosePoint, noSuchPoint } from '../../../src/state/points/choose-point.ts';
import type { PointChoice } from '../../../src/schemas/types.ts';

const point = (id: string, time: string, sequence = Date.parse(time)) => ({
  backup_id: id,
  started: Date.parse(time) - 1000,
  created: Date.parse(time),
  sequence,
});

const points = [
  point('a', '2026-11-20T10:00:00.000Z'),
  point('b', '2026-11-21T10:00:00.557Z'),
  point('c', '2026-11-21T22:59:59.999Z'),
  point('d', '2026-11-22T10:00:00.000Z'),
];
const now = Date.parse('2026-11-23T00:00:00Z');

function chosen(choice: PointChoice): [id: string | undefined, next: string | undefined] {
  const { fitting, next } = choosePoint(points, choice, now);
  return [fitting.at(-1)?.backup_id, next?.backup_id];
}

test.each<[PointChoice, [string | undefined, string | undefined]]>([
  ['latest', ['d', undefined]],
  ['b', ['b', undefined]],
  ['nobody', [undefined, undefined]],
  [{ before: '2026-11-22T10:00:00Z' }, ['c', 'd']],
  [{ at: '2026-11-22T10:00:00Z' }, ['d', undefined]],
  // As a list shows it: in whole seconds.
  [{ at: '2026-11-21T10:00:00Z' }, ['b', 'c']],
  [{ at: '2026-11-21T10:00:00.100Z' }, ['a', 'b']],
  [{ at: '2026-11-21T09:59:59Z' }, ['a', 'b']],
  [{ at: '2026-11-19T09:59:59Z' }, [undefined, 'a']],
  [{ from: '2026-11-21T00:00:00+01:00', before: '2026-11-22T00:00:00+01:00' }, ['c', 'd']],
  [{ from: '2026-11-19T00:00:00Z', before: '2026-11-20T00:00:00Z' }, [undefined, 'a']],
])('%o', (choice, expected) => expect(chosen(choice)).toEqual(expected));

test('what is not there is told with what is near', () => {
  const message = (choice: PointChoice): string =>
    noSuchPoint({ vm: 'shop', where: 'in repository r', choice }, points, choosePoint(points, choice, now).next)
      .message;
  expect(message({ from: '2026-11-21T00:00:00Z', before: '2026-11-21T01:00:00Z' })).toBe(
    'VM shop has no restore point from 2026-11-21T00:00:00Z until 2026-11-21T01:00:00Z in repository r; the last before that is a of 2026-11-20T10:00:00.000Z, the first after that is b of 2026-11-21T10:00:00.557Z',
  );
  expect(message({ before: '2026-11-01T00:00:00Z' })).toMatch(/the first after that is a of/);
});
