import { randomInt } from 'node:crypto';

/** Of this process: the last second, and what the last id of it ends with. */
const last = { second: '', tail: 0 };

const tails = 2 ** 24;
/** How much larger the next tail is at most: sixteen thousand ids of a second have room at that, and other processes hit few of them. */
const step = 512;

/** Where the room runs out, small steps are left. */
const stepBehind = (tail: number): number => (tail < tails - 2 ** 20 ? step : 1);

/**
 * `20261121T013000Z-4f3a9c`: sortable by time, safe as a file name. No two of this process are the same, and those of one second are in order,
 * too: whoever sorts names has the newest last.
 */
export function newRunId(now: number): string {
  const second = new Date(now).toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '');
  last.tail = second === last.second ? last.tail + 1 + randomInt(stepBehind(last.tail)) : randomInt(tails / 2);
  last.second = second;
  return `${second}-${last.tail.toString(16).padStart(6, '0')}`;
}
