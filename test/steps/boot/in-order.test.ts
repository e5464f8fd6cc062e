import { expect, test } from 'vitest';
import { inOrder } from '../../../src/steps/boot/in-order.ts';

const order = (all: readonly { vm: string; after: readonly string[] }[], down: readonly string[] = []) => {
  const started: string[] = [];
  const outcomes = inOrder(
    all,
    { atOnce: 1 },
    {
      start: async ({ vm }) => {
        started.push(vm);
        return { isUp: !down.includes(vm) };
      },
      skip: () => ({ isUp: false }),
    },
  );
  return { started, outcomes };
};
const a = { vm: 'a', after: [] };

test('each starts after those that it names, and none whose order is broken', async () => {
  const whole = order([{ vm: 'b', after: ['a'] }, a]);
  expect(await whole.outcomes).toEqual([{ isUp: true }, { isUp: true }]);
  expect(whole.started).toEqual(['a', 'b']);
  const broken = order([{ vm: 'c', after: ['b'] }, { vm: 'b', after: ['a'] }, a], ['a']);
  expect(await broken.outcomes).toEqual([{ isUp: false }, { isUp: false }, { isUp: false }]);
  expect(broken.started).toEqual(['a']);
});

test.each([
  ['one that is not there', [a, { vm: 'b', after: ['nobody'] }], 'b (after nobody)'],
  [
    'one another',
    [
      { vm: 'b', after: ['c'] },
      { vm: 'c', after: ['b'] },
    ],
    'b (after c); c (after b)',
  ],
])('who waits for %s is refused', async (_, all, named) => {
  await expect(order(all).outcomes).rejects.toMatchObject({
    code: 'plan.invalid',
    message: expect.stringContaining(named) as string,
  });
});

test('with stopAtFailure no other one starts; those that are starting go on', async () => {
  const said: string[] = [];
  const all = [
    { vm: 'late', after: ['a'] },
    { vm: 'bad', after: [] },
    { vm: 'slow', after: [] },
    { vm: 'a', after: ['slow'] },
  ];
  const down = Promise.withResolvers<void>();
  const outcomes = inOrder(
    all,
    { atOnce: 2, stopAtFailure: true },
    {
      start: async ({ vm }) => {
        said.push(vm);
        if (vm === 'slow') await down.promise;
        return { isUp: vm !== 'bad' };
      },
      skip: ({ vm }, because) => {
        said.push(`${vm}: ${because.vm} ${because.isBefore}`);
        // What was starting ends after the others were given up.
        if (vm === 'a') down.resolve();
        return { isUp: false };
      },
    },
  );
  expect((await outcomes).map(({ isUp }) => isUp)).toEqual([false, false, true, false]);
  expect(said).toEqual(['bad', 'slow', 'late: bad false', 'a: bad false']);
});
