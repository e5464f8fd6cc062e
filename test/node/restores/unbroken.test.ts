import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { unbroken } from '../../../src/node/restores/unbroken.ts';

const patient = new AbortController().signal;

test('work that has begun goes on without its caller, and the next call of that name comes after it', async () => {
  await using works = unbroken();
  const [caller, held] = [new AbortController(), Promise.withResolvers<void>()];
  const done: string[] = [];
  const first = works.act('run-1', caller.signal, async (signal) => {
    await held.promise;
    done.push(signal.aborted ? 'aborted' : 'first');
  });
  await delay(0);
  caller.abort(new Error('gone'));
  const second = works.act('run-1', patient, async () => void done.push('second'));
  // Of another name: nothing holds it up.
  await works.act('run-2', patient, async () => void done.push('other'));
  held.resolve();
  await Promise.all([first, second]);
  expect(done).toEqual(['other', 'first', 'second']);
});

test('work that has not begun ends with its caller, and does not hold up others', async () => {
  await using works = unbroken();
  const [caller, held] = [new AbortController(), Promise.withResolvers<void>()];
  const first = works.act('run', patient, () => held.promise);
  const second = works.act('run', caller.signal, () => Promise.reject(new Error('begun')));
  caller.abort(new Error('gone'));
  held.resolve();
  await first;
  await expect(second).rejects.toThrow('gone');
  expect(await works.act('run', patient, async () => 'third')).toBe('third');
});

test('the end of the node ends work, and waits for that', async () => {
  const works = unbroken();
  let ended = false;
  const acting = works.act('run', patient, async (signal) => {
    await delay(60_000, undefined, { signal }).catch(() => undefined);
    ended = true;
    signal.throwIfAborted();
  });
  const why = acting.catch((error: unknown) => error);
  await delay(0);
  await works[Symbol.asyncDispose]();
  expect(ended).toBe(true);
  expect(await why).toMatchObject({ code: 'job.cancelled' });
  await expect(works.act('run', patient, async () => 'late')).rejects.toMatchObject({ code: 'job.cancelled' });
});

test('work that does not end is waited for no longer than asked for', async () => {
  await using works = unbroken();
  const held = Promise.withResolvers<void>();
  expect([works.isGoing('start'), await works.isOver('start', 60_000)]).toEqual([false, true]);
  const first = works.act('start', patient, () => held.promise);
  expect([works.isGoing('start'), works.isGoing('other')]).toEqual([true, false]);
  expect(await works.isOver('start', 20)).toBe(false);
  const gone = new AbortController();
  const asked = works.isOver('start', 60_000, gone.signal);
  gone.abort(new Error('gone'));
  expect(await asked).toBe(false);
  const over = works.isOver('start', 60_000);
  held.resolve();
  await first;
  expect([await over, works.isGoing('start')]).toEqual([true, false]);
});
