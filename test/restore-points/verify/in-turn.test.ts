import { expect, test } from 'vitest';
import { inTurn } from '../../../src/restore-points/verify/in-turn.ts';
import { random } from '../../support/random.ts';

const MiB = 1024 * 1024;
const never = new AbortController().signal;

test('light work goes several at a time, heavy work alone, and of one key one after the other in its order', async () => {
  const numbers = random('turns');
  const running: { key: string; weight: number }[] = [];
  const order = new Map<string, number[]>();
  let most = 0;
  const turns = Array.from({ length: 200 }, (_, number) => {
    const entry = {
      key: `vm${numbers.int(0, 12)}`,
      weight: numbers.chance(0.2) ? 100 * MiB : numbers.int(0, 20) * MiB,
    };
    return {
      ...entry,
      run: async () => {
        expect(running.some(({ key }) => key === entry.key)).toBe(false);
        running.push(entry);
        most = Math.max(most, running.length);
        if (running.length > 1)
          expect(running.reduce((sum, { weight }) => sum + weight, 0)).toBeLessThanOrEqual(64 * MiB);
        for (let turn = numbers.int(0, 5); turn > 0; turn--) await new Promise(setImmediate);
        order.set(entry.key, [...(order.get(entry.key) ?? []), number]);
        running.splice(running.indexOf(entry), 1);
      },
    };
  });
  await inTurn(turns, never);
  expect([...order.values()].flat()).toHaveLength(200);
  for (const numbersOfKey of order.values()) expect(numbersOfKey).toEqual(numbersOfKey.toSorted((a, b) => a - b));
  expect(most).toBe(4);
});

test('after a failure or a cancellation nothing begins, and what is under way is waited for', async () => {
  const ended: string[] = [];
  const turn = (key: string, run: () => Promise<void>) => ({ key, weight: 1, run });
  const slow = turn('slow', async () => {
    for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate);
    ended.push('slow');
  });
  const fails = turn('fails', () => Promise.reject(new Error('broken')));
  const more = Array.from({ length: 5 }, (_, index) => turn(`more${index}`, async () => void ended.push('more')));
  await expect(inTurn([slow, slow, fails, fails, ...more], never)).rejects.toThrow('broken');
  expect(ended.filter((name) => name === 'slow')).toEqual(['slow']);
  const stop = new AbortController();
  const stops = turn('stops', async () => stop.abort(new Error('cancelled')));
  await expect(inTurn([stops, ...more.map((entry) => ({ ...entry, key: 'stops' }))], stop.signal)).rejects.toThrow(
    'cancelled',
  );
});
