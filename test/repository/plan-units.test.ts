import { expect, test } from 'vitest';
import { affectedBy, planUnits, type UnitPoint } from '../../src/repository/merge/plan-units.ts';

/** `b:a/-` : b has disk-0 on a, and a full disk-1. */
const points = (...specs: string[]): UnitPoint[] =>
  specs.map((spec) => {
    const [id = '', disks = ''] = spec.split(':');
    return {
      backup_id: id,
      disks: disks
        .split('/')
        .map((parent, number) => ({ number, parent: parent === '-' ? null : parent, capacity_bytes: 1 }))
        .filter(({ parent }) => parent !== ''),
    };
  });

const plan = (all: readonly UnitPoint[], ...remove: string[]) => planUnits(all, new Set(remove));

const chain = points('a:-', 'b:a', 'c:b', 'd:c');

test('what nothing is built on goes by itself, the newest first', () => {
  expect(plan(chain, 'c', 'd').units).toEqual([
    { child: null, drop: ['d'], disks: [] },
    { child: null, drop: ['c'], disks: [] },
  ]);
});

test('a run goes at once into the one that is built on it', () => {
  expect(plan(chain, 'a', 'b').units).toEqual([
    { child: 'c', drop: ['b', 'a'], disks: [{ number: 0, run: ['b', 'a'], parent: null }] },
  ]);
  expect(plan(chain, 'b').units[0]?.disks).toEqual([{ number: 0, run: ['b'], parent: 'a' }]);
});

test('disks have chains of their own', () => {
  const all = points('a:-/-', 'b:a/a', 'c:b/-', 'd:c/c');
  expect(plan(all, 'a', 'b').units).toEqual([
    { child: 'c', drop: ['b', 'a'], disks: [{ number: 0, run: ['b', 'a'], parent: null }] },
  ]);
  expect(plan(all, 'b', 'c').units[0]?.disks).toEqual([
    { number: 0, run: ['c', 'b'], parent: 'a' },
    { number: 1, run: ['c'], parent: null },
  ]);
});

test('what is needed by two stays, and the one below it goes into it', () => {
  const all = points('a:-', 'b:a', 'c:b', 'd:b');
  const { units, stays } = plan(all, 'a', 'b');
  expect([...stays]).toEqual([['b', 'c and d are built on it']]);
  expect(units).toEqual([{ child: 'b', drop: ['a'], disks: [{ number: 0, run: ['a'], parent: null }] }]);
});

test('two of which one goes do not keep what they are built on', () => {
  const all = points('a:-', 'b:a', 'c:a');
  expect(plan(all, 'a', 'b').units.map(({ child, drop }) => [child, drop])).toEqual([
    [null, ['b']],
    ['c', ['a']],
  ]);
});

test('disks that different points need, and another capacity, keep a point', () => {
  expect([...plan(points('a:-/-', 'b:a/', 'c:/a'), 'a').stays]).toEqual([['a', 'b and c are built on it']]);
  const grown = [...points('a:-'), { backup_id: 'b', disks: [{ number: 0, parent: 'a', capacity_bytes: 2 }] }];
  expect([...plan(grown, 'a').stays]).toEqual([['a', 'disk-0 of b has another capacity']]);
});

test('who has to do with the files of a point', () => {
  expect([...affectedBy(points('a:-/-', 'b:a/-', 'c:b/b', 'd:-/c'), ['b'])].toSorted()).toEqual(['b', 'c', 'd']);
  expect([...affectedBy(chain, ['gone'])]).toEqual(['gone']);
});
