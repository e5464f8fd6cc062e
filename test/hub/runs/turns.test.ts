import { expect, test } from 'vitest';
import { createTurns } from '../../../src/hub/runs/turns.ts';

const never = new AbortController().signal;

test('a few go on at a time, and the others get their turns in their order', async () => {
  const turns = createTurns({ most: 2, mostOfOne: 2, withinMs: 600_000 });
  const begun: number[] = [];
  const first = await turns.take('anna', never);
  const second = await turns.take('anna', never);
  const others = [3, 4, 5].map(async (number) => {
    using _turn = await turns.take('anna', never);
    begun.push(number);
  });
  await Promise.resolve();
  expect(begun).toEqual([]);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await Promise.all(others);
  expect(begun).toEqual([3, 4, 5]);
  second[Symbol.dispose]();
  using _third = await turns.take('anna', never);
  using _fourth = await turns.take('anna', never);
});

test('who goes away waits no more, and whose turn does not come is told so', async () => {
  const turns = createTurns({ most: 1, mostOfOne: 1, withinMs: 1 });
  const taken = await turns.take('anna', never);
  const gone = new AbortController();
  const left = turns.take('anna', gone.signal);
  gone.abort(new Error('the caller went away'));
  await expect(left).rejects.toThrow('the caller went away');
  await expect(turns.take('anna', never)).rejects.toMatchObject({
    code: 'node.limited',
    details: { retrySeconds: 10 },
  });
  taken[Symbol.dispose]();
  using _turn = await turns.take('anna', never);
});

test('one who asks takes no more than a share, and whoever else asks passes those that wait for theirs', async () => {
  const turns = createTurns({ most: 3, mostOfOne: 2, withinMs: 100 });
  const annas = [await turns.take('anna', never), await turns.take('anna', never)];
  const third = turns.take('anna', never);
  const told = third.catch((error: unknown) => error as Error);
  using _berta = await turns.take('berta', never);
  // All turns are taken now.
  const carla = turns.take('carla', never);
  annas[0]?.[Symbol.dispose]();
  // Anna has waited for longer, and has room again.
  (await third)[Symbol.dispose]();
  using _carla = await carla;
  using _anna = (await Promise.race([turns.take('anna', never), told]).catch(() => expect.fail())) as Disposable;
  annas[1]?.[Symbol.dispose]();
});

test('whose own requests take too long is told that they are', async () => {
  const turns = createTurns({ most: 3, mostOfOne: 1, withinMs: 1 });
  using _first = await turns.take('anna', never);
  await expect(turns.take('anna', never)).rejects.toThrow('1 requests of yours go on, and none ended');
});
