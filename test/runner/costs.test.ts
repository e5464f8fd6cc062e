import { expect, test } from 'vitest';
import { machineTime } from './processor-time.ts';
import { byFolder, idleMs, sum, type FileCost } from './costs.ts';

const cost = (file: string, more: Partial<FileCost> = {}): FileCost => ({
  file,
  wallMs: 100,
  ownMs: 30,
  programsMs: 20,
  sleeps: 1,
  sleptMs: 10,
  starts: { 'qemu-img': 2 },
  ...more,
});

test('costs are added up, programs by their names', () => {
  expect(sum([cost('a'), cost('b', { starts: { 'qemu-img': 1, 'ssh': 4 } })])).toEqual({
    wallMs: 200,
    ownMs: 60,
    programsMs: 40,
    sleeps: 2,
    sleptMs: 20,
    starts: { 'qemu-img': 3, 'ssh': 4 },
  });
});

test('a file counts in the deepest folder that has a budget, one without under its own folder', () => {
  const costs = ['test/e2e/a.test.ts', 'test/e2e/network/b.test.ts', 'test/new/c.test.ts'].map((file) => cost(file));
  const names = byFolder(costs, ['test/e2e', 'test/e2e/network']).map(({ name, files }) => [name, files]);
  expect(names).toEqual([
    ['test/e2e', 1],
    ['test/e2e/network', 1],
    ['test/new', 1],
  ]);
});

test('time in which nothing of the test ran is time that it waited; programs beside each other leave none', () => {
  expect(idleMs(cost('a'))).toBe(50);
  expect(idleMs(cost('a', { programsMs: 180 }))).toBe(0);
});

test('what all processors did is read from the kernel: waits for disks are idle, interrupts are work, a stolen tick is neither', () => {
  const text = 'cpu  100 20 300 4000 500 6 7 80 9 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n';
  expect(machineTime(text)).toEqual({ busyMs: 4330, idleMs: 45_000 });
});
