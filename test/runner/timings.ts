import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FileCost } from './costs.ts';

/** Seconds that each test file took when `npm test -- --record` measured them. */
export type Timings = Readonly<Record<string, number>>;

const root = join(import.meta.dirname, '../..');
const file = join(import.meta.dirname, 'timings.json');

export const readTimings = (): Timings => JSON.parse(readFileSync(file, 'utf8')) as Timings;

/** Files that did not run keep what they have; those that are gone go. */
export function recordTimings(costs: readonly FileCost[]): void {
  const measured = costs.map((cost) => [cost.file, Number((cost.wallMs / 1000).toFixed(1))] as const);
  const kept = Object.entries(readTimings()).filter(([name]) => existsSync(join(root, name)));
  const timings: Timings = Object.fromEntries(
    [...new Map([...kept, ...measured])].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
  writeFileSync(file, `${JSON.stringify(timings, null, 2)}\n`);
}

/** What a file is expected to take, seconds: one that was never timed as much as the median of the nearest folder that has timed ones. */
export function expectedSeconds(test: string, timings: Timings): number {
  const timed = timings[test];
  if (timed !== undefined) return timed;
  for (let folder = dirname(test); folder !== '.'; folder = dirname(folder)) {
    const near = Object.entries(timings)
      .filter(([name]) => name.startsWith(`${folder}/`))
      .map(([, seconds]) => seconds)
      .toSorted((a, b) => a - b);
    if (near.length > 0) return near[near.length >> 1] ?? Infinity;
  }
  return Infinity;
}
