import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { whileHeld } from '../../../../src/node/vsphere/transports/while-held.ts';

test('a disk that is held is tried again, also where the reason comes after the refusal', async () => {
  let reason = '';
  let attempts = 0;
  const act = async (): Promise<string> => {
    attempts += 1;
    if (attempts > 1) return 'written';
    void delay(20).then(() => (reason = 'held'));
    throw new Error('refused');
  };
  expect(await whileHeld(act, () => reason === 'held', undefined)).toBe('written');
});

test('what failed for another reason is not tried again', async () => {
  let attempts = 0;
  const act = (): Promise<never> => {
    attempts += 1;
    return Promise.reject(new Error('full'));
  };
  await expect(whileHeld(act, () => false, undefined)).rejects.toThrow('full');
  expect(attempts).toBe(1);
});

test('an abort ends the wait', async () => {
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(
    whileHeld(
      () => Promise.reject(new Error('refused')),
      () => true,
      signal,
    ),
  ).rejects.toThrow('enough');
});
