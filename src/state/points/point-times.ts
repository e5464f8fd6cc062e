import { aheadMs } from '../database/in-future.ts';

/** What is known of when a restore point was made, milliseconds since the epoch. */
export interface TimedPoint {
  readonly started: number;
  readonly created: number;
  /** Its place among the points of the VM. */
  readonly sequence: number;
}

/** No restore point is older: what is dated before was made by a clock that knew nothing. */
const earliest = Date.UTC(2001, 0, 1);

/**
 * When the restore points of one VM were made, in their order, as far as it can be told: a clock that was wrong once must not
 * make one look older or younger than those that were made before and after it. The longest row of times that do not fall, and
 * are not in the future, is right; every other time is put between its neighbours. Where nothing speaks against a time, it stays.
 * @param points of one VM, in their order
 */
export function pointTimes(points: readonly TimedPoint[], now: number): number[] {
  const times = points.map((point, at) => writtenTime(point, points[at - 1]));
  const past = (time: number): boolean => time >= earliest && time <= now + aheadMs;
  // The clock that asks may be the one that is wrong.
  const right = longestRow(times, times.some(past) ? past : () => true);
  let low = Number.NEGATIVE_INFINITY;
  return times.map((time, at) => {
    const high = right.has(at) ? time : nextOf(times, right, at);
    low = Math.max(low, Math.min(time, high));
    return low;
  });
}

/**
 * The newest restore point that is dated later than a time and is dated right as far as the others tell; undefined: none is. Then
 * that time is wrong, rather than the points.
 */
export function datedLater<T extends TimedPoint>(points: readonly T[], time: number): T | undefined {
  const times = points.map((point, at) => writtenTime(point, points[at - 1]));
  const right = longestRow(times, () => true);
  return points.findLast((_point, at) => right.has(at) && (times[at] ?? 0) > time);
}

/** Older versions dated a point a millisecond after the one before it, when the clock had gone back; when it began is true. */
const writtenTime = ({ started, created }: TimedPoint, before: TimedPoint | undefined): number =>
  before && created === before.created + 1 && started < before.created ? started : created;

function nextOf(times: readonly number[], right: ReadonlySet<number>, at: number): number {
  for (let next = at + 1; next < times.length; next++) if (right.has(next)) return times[next] ?? Infinity;
  return Infinity;
}

/** Places of the longest row of times that do not fall; among several the one that ends with the earliest time. */
function longestRow(times: readonly number[], counts: (time: number) => boolean): Set<number> {
  /** By length, the place of the earliest time that ends a row so long. */
  const ends: number[] = [];
  const before = new Map<number, number>();
  for (const [at, time] of times.entries()) {
    if (!counts(time)) continue;
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[ends[middle] ?? 0] ?? 0) <= time) low = middle + 1;
      else high = middle;
    }
    const last = ends[low - 1];
    if (last !== undefined) before.set(at, last);
    ends[low] = at;
  }
  const row = new Set<number>();
  for (let at = ends.at(-1); at !== undefined; at = before.get(at)) row.add(at);
  return row;
}
