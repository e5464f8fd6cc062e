import { expect, test } from 'vitest';
import { createJobPace, createRateLimit } from '../../src/blocks/rate-limit.ts';

const KiB = 1024;
const MiB = 1024 * KiB;
const never = new AbortController().signal;

test('a limit is kept, whoever asks', async () => {
  const limit = createRateLimit(10 * MiB);
  const started = performance.now();
  const take = async (times: number): Promise<void> => {
    for (let turn = 0; turn < times; turn++) await limit(256 * KiB, never);
  };
  await Promise.all([take(20), take(20), take(20)]);
  // The last of the 60 quarters starts when the 59 before it are paid for: 1.475 s.
  const seconds = (performance.now() - started) / 1000;
  expect(seconds).toBeGreaterThan(1.475 - 0.11);
  expect(seconds).toBeLessThan(15);
});

test('after a pause there is no rush', async () => {
  const limit = createRateLimit(MiB);
  await limit(64 * KiB, never);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const started = performance.now();
  for (let turn = 0; turn < 8; turn++) await limit(64 * KiB, never);
  expect(performance.now() - started).toBeGreaterThan(7 * 62.5 - 110);
});

test('waiting ends at once when it is cancelled, with the reason', async () => {
  const stop = new AbortController();
  const limit = createRateLimit(KiB);
  await limit(MiB, stop.signal);
  const waiting = limit(MiB, stop.signal);
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(limit(1, stop.signal)).rejects.toThrow('enough');
});

test('disks share the limit of their job and have one of their own', async () => {
  expect(createJobPace({ diskRate: null, jobRate: null })()).toBeNull();
  const paceOf = createJobPace({ diskRate: 20 * MiB, jobRate: 10 * MiB });
  const [a, b] = [paceOf(), paceOf()];
  const bytes: [number, number] = [0, 0];
  const started = performance.now();
  const run = async (number: 0 | 1, pace = number === 0 ? a : b): Promise<void> => {
    while (bytes[0] + bytes[1] < 10 * MiB) {
      await pace?.pace(128 * KiB, never);
      bytes[number] += 128 * KiB;
    }
  };
  await Promise.all([run(0), run(1)]);
  // Never faster, however long the machine lets them wait.
  expect(performance.now() - started).toBeGreaterThan(800);
  expect(Math.min(...bytes)).toBeGreaterThan(2.5 * MiB);
});

test.each([
  [64 * KiB, 64 * KiB],
  [3 * MiB, 4 * 64 * KiB],
  [1024 * MiB, MiB],
])('at %s bytes per second %s are asked for at a time', (diskRate, paceBytes) => {
  expect(createJobPace({ diskRate, jobRate: null })()?.paceBytes).toBe(paceBytes);
});
