import { expect, test } from 'vitest';
import { createTurns } from '../../../src/hub/runs/turns.ts';

const never = new AbortController().signal;

test('a few go on at a time, and the others get their turns in their order', async () => {
  const turns = createTurns({ most: 2, withinMs: 600_000 });
  const begun: number[] = [];
  const first = await turns.take(never);
  const second = await turns.take(never);
  const others = [3, 4, 5].map(async (number) => {
    using _turn = await turns.take(never);
    begun.push(number);
  });
  await Promise.resolve();
  expect(begun).toEqual([]);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await Promise.all(others);
  expect(begun).toEqual([3, 4, 5]);
  second[Symbol.dispose]();
  using _third = await turns.take(never);
  using _fourth = await turns.take(never);
});

test('who goes away waits no more, and whose turn does not come is told so', async () => {
  const turns = createTurns({ most: 1, withinMs: 1 });
  const taken = await turns.take(never);
  const gone = new AbortController();
  const left = turns.take(gone.signal);
  gone.abort(new Error('the caller went away'));
  await expect(left).rejects.toThrow('the caller went away');
  await expect(turns.take(never)).rejects.toMatchObject({ code: 'node.limited', details: { retrySeconds: 10 } });
  taken[Symbol.dispose]();
  using _turn = await turns.take(never);
});
