import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import { assertLargePackets } from '../../../src/steps/at-hub/assert-large-packets.ts';

const { signal } = new AbortController();
const away = new SendenseError('node.unreachable', 'node site-1 does not answer');
const common = { name: 'site-1', signal, withinMs: 50, silentMs: 20 };
const silence = (limit: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => limit.addEventListener('abort', () => reject(limit.reason as Error)));

test('a line that broke once, and a proxy that finds the question too long, are fine', async () => {
  let asked = 0;
  const ask = async (limit: AbortSignal): Promise<void> => (asked++ === 0 ? silence(limit) : undefined);
  await assertLargePackets({ ...common, ask, askSmall: async () => undefined });
  expect(asked).toBe(2);
  const tooLong = new SendenseError('node.unreachable', 'a proxy answers 431', { details: { status: 431 } });
  await assertLargePackets({ ...common, ask: () => Promise.reject(tooLong), askSmall: () => Promise.reject(away) });
});

test('small questions that are answered, and large ones that are not, are the MTU', async () => {
  const breaks = async (): Promise<never> => {
    await delay(30);
    throw away;
  };
  for (const ask of [silence, breaks])
    await expect(assertLargePackets({ ...common, ask, askSmall: async () => undefined })).rejects.toMatchObject({
      code: 'node.unreachable',
      message: expect.stringContaining('(MTU)') as string,
      remedy: expect.stringContaining('ping -M do -s 1472 NODE') as string,
    });
});

test('a connection that breaks at once says nothing of the MTU, and what follows is tried', async () => {
  const broken = () => Promise.reject(away);
  await assertLargePackets({ ...common, silentMs: 5000, ask: broken, askSmall: broken });
});

test('where the line does not come back after the large question, the error has both', async () => {
  const lost = { ...common, ask: silence, askSmall: () => Promise.reject(away) };
  await expect(assertLargePackets(lost)).rejects.toMatchObject({
    code: 'node.unreachable',
    message: expect.stringMatching(
      /^node site-1 does not answer; before that, node site-1 answers small .*\(MTU\)$/,
    ) as string,
  });
});
