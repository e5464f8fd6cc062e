import { describe, expect, it } from 'vitest';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import type { Allocation } from '../../../src/host/images/qemu-img.ts';
import type { PlannedPoint } from '../../../src/repository/retention/plan-removal.ts';
import { freedBytes, type StoredPoint } from '../../../src/repository/retention/space.ts';

const chain: StoredPoint[] = ['a', 'b', 'c', 'd'].map((id, at, ids) => ({
  backup_id: id,
  disks: [{ number: 0, parent: ids[at - 1] ?? null, path: `disk-0/${id}.qcow2` }],
}));
const held = new Map([
  ['a', 1000],
  ['b', 300],
  ['c', 200],
  ['d', 100],
]);
const planned = (merges: Readonly<Record<string, string | null>>): PlannedPoint[] =>
  chain.map(({ backup_id: id }) => {
    const into = merges[id];
    const goes = into !== undefined;
    return { id, keep: !goes, reasons: goes ? [] : ['wanted'], merges: into ? [{ disk: 0, into }] : [] };
  });

const area = (depth: number, length: number, data = true): Allocation => ({
  start: 0,
  length,
  depth,
  data,
  zero: !data,
  present: true,
});
/** Of c: its own 200, 150 of b, zeros of b, and 600 of a. */
const map = async (): Promise<Allocation[]> => [area(0, 200), area(1, 150), area(1, 500, false), area(2, 600)];

describe('what a prune frees', () => {
  it('is what goes, less what moves into the point above', async () => {
    const answer = await freedBytes(chain, planned({ a: 'c', b: 'c' }), held, { map, compressed: false });
    expect(answer).toEqual({ at_least: 1300 - 750, at_most: 1300 - 750 });
  });

  it('counts only the levels that go', async () => {
    const answer = await freedBytes(chain, planned({ b: 'c' }), held, { map, compressed: false });
    expect(answer).toEqual({ at_least: 150, at_most: 150 });
  });

  it('is all that they hold where nothing is built on them', async () => {
    const answer = await freedBytes(chain, planned({ c: null, d: null }), held, { map, compressed: false });
    expect(answer).toEqual({ at_least: 300, at_most: 300 });
  });

  it('is a range where images are compressed or cannot be read', async () => {
    const compressed = await freedBytes(chain, planned({ b: 'c' }), held, { map, compressed: true });
    expect(compressed).toEqual({ at_least: 150, at_most: 300 });
    const failing = (): Promise<never> => Promise.reject(new SendenseError('tool.failed', 'no'));
    const unread = await freedBytes(chain, planned({ b: 'c' }), held, { map: failing, compressed: false });
    expect(unread).toEqual({ at_least: 0, at_most: 300 });
  });

  it('ends where it is told to', async () => {
    const stopped = (): Promise<never> => Promise.reject(new SendenseError('run.cancelled', 'stop'));
    const answer = freedBytes(chain, planned({ b: 'c' }), held, { map: stopped, compressed: false });
    await expect(answer).rejects.toMatchObject({ code: 'run.cancelled' });
  });
});
