import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileCost } from './costs.ts';

/** Seconds that each test file took when `npm test -- --record` measured them. */
export type Timings = Readonly<Record<string, number>>;

const file = join(import.meta.dirname, 'timings.json');

export const readTimings = (): Timings => JSON.parse(readFileSync(file, 'utf8')) as Timings;

export function recordTimings(costs: readonly FileCost[]): void {
  const timings: Timings = Object.fromEntries(
    costs
      .map((cost) => [cost.file, Number((cost.wallMs / 1000).toFixed(1))] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
  writeFileSync(file, `${JSON.stringify(timings, null, 2)}\n`);
}
