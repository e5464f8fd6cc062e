import { describe, expect, test } from 'vitest';
import { datedLater, pointTimes, type TimedPoint } from '../../../src/state/points/point-times.ts';
import { printedRandom } from '../../support/random.ts';
import { rounds } from '../../support/rounds.ts';

const hour = 3_600_000;
const day = 24 * hour;
const start = Date.parse('2026-11-01T00:00:00Z');

/** Points as they are made: `clock` is how far it is ahead of each of these times. */
function made(times: readonly (readonly [real: number, clock: number])[]): TimedPoint[] {
  let last = 0;
  return times.map(([real, ahead]) => {
    const created = real + ahead;
    last = Math.max(created, last + 1);
    return { started: created - hour, created, sequence: last };
  });
}

/** As versions before did: later than the one before it. */
const madeBefore = (times: readonly (readonly [number, number])[]): TimedPoint[] =>
  made(times).map(({ started, sequence }) => ({ started, created: sequence, sequence }));

const nights = (count: number): (readonly [number, number])[] =>
  Array.from({ length: count }, (_, night) => [start + night * day, 0]);

describe('when restore points were made', () => {
  test('times that do not fall stay', () => {
    const points = made(nights(5));
    expect(pointTimes(points, start + 9 * day)).toEqual(points.map(({ created }) => created));
  });

  test.each([
    ['ahead', 400 * day],
    ['ahead by less than the next', 2 * day],
    ['behind', -3 * day],
    ['behind by decades', -56 * 365 * day],
  ])('a clock that was %s once moves one point between its neighbours, and no other', (_name, ahead) => {
    const times = nights(6);
    times[3] = [start + 3 * day, ahead];
    const found = pointTimes(made(times), start + 9 * day);
    expect(found.toSpliced(3, 1)).toEqual(
      nights(6)
        .toSpliced(3, 1)
        .map(([real]) => real),
    );
    expect(found[3]).toBeGreaterThanOrEqual(start + 2 * day);
    expect(found[3]).toBeLessThanOrEqual(start + 4 * day);
  });

  test('points that an older version dated falsely, after a clock that was ahead', () => {
    const times = nights(6);
    times[2] = [start + 2 * day, 400 * day];
    expect(pointTimes(madeBefore(times), start + 9 * day)).toEqual([
      start,
      start + day,
      // Before the one that came next began.
      start + 3 * day - hour,
      ...[3, 4, 5].map((night) => start + night * day - hour),
    ]);
  });

  test('where nothing speaks against a time, it stays, in the future too', () => {
    const points = made([...nights(3), [start + 3 * day, 400 * day]]);
    expect(pointTimes(points, start + 4 * day).at(-1)).toBe(start + 403 * day);
    // Nor does a clock that is behind all of them.
    expect(pointTimes(made(nights(3)), 0)).toEqual(nights(3).map(([real]) => real));
  });

  test('random clocks: no time falls, and where most were right, what lies between two that were is between them', () => {
    const numbers = printedRandom('point times');
    for (let round = 0; round < rounds(200, 20_000); round++) {
      const count = numbers.int(3, 40);
      const wrong = new Set(Array.from({ length: numbers.int(0, Math.ceil(count / 5)) }, () => numbers.int(0, count)));
      const times = nights(count).map(([real], at): readonly [number, number] => [
        real,
        wrong.has(at) ? numbers.int(-500, 500) * hour : 0,
      ]);
      const points = made(times);
      const found = pointTimes(points, start + count * day);
      expect(found).toEqual(found.toSorted((a, b) => a - b));
      const far = found.filter((time, at) => !wrong.has(at) && time !== times[at]?.[0]).length;
      // One that was wrong may agree with all others better than one that was right.
      expect(far, `round ${round}`).toBeLessThanOrEqual(wrong.size);
    }
  });
});

describe('whether a time is earlier than points that are dated right', () => {
  const now = start + 9 * day;

  test('one that was ahead once, with two after it, says nothing', () => {
    const times = nights(6);
    times[3] = [start + 3 * day, 400 * day];
    expect(datedLater(made(times), now)).toBeUndefined();
  });

  test('a clock that is behind most points is wrong, also where it has dated the newest one', () => {
    const points = made([...nights(5), [start + 5 * day, -900 * day]]);
    expect(datedLater(points, start - 890 * day)).toBe(points[4]);
  });

  test('the newest one alone in the future counts', () => {
    const points = made([...nights(2), [start + 2 * day, 400 * day]]);
    expect(datedLater(points, now)).toBe(points[2]);
  });
});
