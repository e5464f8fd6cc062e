import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { cancelledBy } from '../../src/engine/install-signals.ts';
import { recoverRuns } from '../../src/engine/recover-runs.ts';
import { retryDelay } from '../../src/engine/retry-delay.ts';
import type { StepContext } from '../../src/engine/step.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { thisProcess } from '../../src/host/programs/process-identity.ts';
import { findRun, listSteps } from '../../src/state/runs/runs.ts';
import { bench, fakeStep, untilAborted, type Effects, type FakeStep } from './fake-run.ts';

const temporary = (): SendenseError => new SendenseError('nbd.failed', 'qemu-nbd did not start');
const report = (context: unknown, bytes: number, phase = 'copying'): void =>
  (context as StepContext<Effects>).progress([{ disk: 'disk-0', phase, bytes_done: bytes, bytes_total: 100, rate: 1 }]);

for (const id of ['a', 'b', 'c']) {
  test(`${id} takes longer than its timeout: it is stopped, all is undone, exit code 14`, async () => {
    using own = bench();
    const at: FakeStep['at'] = (place, context) => place === 'after' && untilAborted(context.signal);
    const list = ['a', 'b', 'c'].map((one) => fakeStep(one, one === id ? { at } : {}));
    const outcome = await own.run(list, {}, { [id]: { timeout: 20 } });
    expect(outcome).toMatchObject({ status: 'failed', exitCode: 14, error: { code: 'step.timeout' } });
    expect(outcome.error?.message).toBe(`step ${id} took longer than its timeout of 20 ms`);
    expect(own.left()).toEqual([]);
  });

  test(`${id} stalls: it is stopped, all is undone, exit code 14 and where it stood`, async () => {
    using own = bench();
    const at: FakeStep['at'] = (place, context) => {
      if (place !== 'after') return undefined;
      report(context, 42);
      const again = setInterval(() => report(context, 42), 5);
      return untilAborted(context.signal).finally(() => clearInterval(again));
    };
    const list = ['a', 'b', 'c'].map((one) => fakeStep(one, one === id ? { at } : {}));
    const outcome = await own.run(list, {}, { [id]: { stallTimeout: 40 } });
    expect(outcome).toMatchObject({ status: 'failed', exitCode: 14, error: { code: 'step.stalled' } });
    expect(outcome.error?.message).toBe(`step ${id}: no progress for 40 ms (disk-0 copying at 42 bytes)`);
    expect(own.left()).toEqual([]);
  });
}

test('a step that moves bytes or changes its phase does not stall', async () => {
  using own = bench();
  const at: FakeStep['at'] = async (place, context) => {
    if (place !== 'after') return;
    // Eight reports, each well within the stall timeout, all of them beyond it.
    for (let turn = 0; turn < 8; turn++) {
      report(context, turn < 4 ? turn : 3, turn < 4 ? 'copying' : `phase ${turn}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  };
  const outcome = await own.run([fakeStep('a', { at })], {}, { a: { stallTimeout: 150 } });
  expect(outcome.exitCode).toBe(0);
});

describe('a step that does not stop', () => {
  test('does not hang the run; it is undone, told as not cleaned up, and undone again by a recovery', async () => {
    using own = bench();
    const stop = Promise.withResolvers<void>();
    const list = [fakeStep('a'), fakeStep('b', { at: (place) => (place === 'after' ? stop.promise : undefined) })];
    const outcome = await own.run(list, {}, { b: { timeout: 10 } });
    expect(outcome).toMatchObject({ status: 'failed', exitCode: 16, error: { code: 'step.timeout' } });
    expect(outcome.undoErrors).toMatchObject([
      { message: expect.stringContaining('step b did not stop within 50 ms') },
    ]);
    expect(own.left()).toEqual([]);
    stop.resolve();
    expect(await recoverRuns({ ...own.options(list), recoverer: thisProcess() })).toMatchObject([{ undone: ['b'] }]);
    expect(findRun(own.state, outcome.runId)).toMatchObject({ unclean: false });
  });

  test('what it throws later troubles nobody', async () => {
    using own = bench();
    const stop = Promise.withResolvers<void>();
    const outcome = await own.run([fakeStep('a', { at: () => stop.promise })], {}, { a: { timeout: 10 } });
    expect(outcome.exitCode).toBe(16);
    stop.reject(new Error('later'));
    await new Promise((resolve) => setImmediate(resolve));
  });

  test('an undo that does not end is given up, and the others are tried', async () => {
    using own = bench();
    const hang: FakeStep['at'] = (place) => (place === 'undo' ? new Promise(() => {}) : undefined);
    const fail: FakeStep['at'] = (place) => {
      if (place === 'after') throw new Error('no');
    };
    const outcome = await own.run([fakeStep('a'), fakeStep('b', { at: hang }), fakeStep('c', { at: fail })], {
      limits: { grace: 10, undo: 20 },
    });
    expect(outcome).toMatchObject({
      exitCode: 16,
      undoErrors: [{ message: expect.stringContaining('undoing step b took longer than 20 ms') }],
    });
    expect(own.left()).toEqual(['b']);
  });
});

describe('retry', () => {
  const failing = (times: number, error: () => Error): ReturnType<typeof fakeStep> => {
    let calls = 0;
    return fakeStep('b', {
      at: (place) => {
        if (place === 'after' && calls++ < times) throw error();
      },
    });
  };
  const retry = { attempts: 3, delay: 1, maxDelay: 2 };

  test('a temporary error is tried again with the same claim, after an undo', async () => {
    using own = bench();
    const outcome = await own.run([fakeStep('a'), failing(2, temporary)], {}, { b: { retry } });
    expect(outcome).toMatchObject({ status: 'succeeded', exitCode: 0 });
    expect(own.told().filter((line) => line.endsWith(' b'))).toEqual([
      ...[1, 2].flatMap(() => ['step.started b', 'step.failed b', 'undo.started b', 'undo.finished b']),
      'step.started b',
      'step.succeeded b',
    ]);
    expect(own.events.filter(({ type }) => type === 'step.failed')).toMatchObject([
      { retry_in_ms: expect.any(Number) },
      { retry_in_ms: expect.any(Number) },
    ]);
    expect(listSteps(own.state, outcome.runId)).toMatchObject([
      { id: 'a' },
      { id: 'b', attempt: 3, state: 'succeeded' },
    ]);
  });

  test('the claim of every attempt is the same', async () => {
    using own = bench();
    const claims: unknown[] = [];
    const step = fakeStep('b', {
      claim: () => ({ file: 'b.effect', random: randomUUID() }),
      run: async (_context, _input, claim) => {
        claims.push(claim);
        throw temporary();
      },
    });
    await own.run([step], {}, { b: { retry } });
    expect(claims).toHaveLength(3);
    expect(new Set(claims.map((claim) => JSON.stringify(claim))).size).toBe(1);
  });

  test('it ends with the error when the attempts are used up, and nothing is left', async () => {
    using own = bench();
    const outcome = await own.run([fakeStep('a'), failing(9, temporary)], {}, { b: { retry } });
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'nbd.failed' }, undoErrors: [] });
    expect(own.events.filter(({ type }) => type === 'step.failed')).toHaveLength(3);
    expect(own.events.findLast(({ type }) => type === 'step.failed')).toMatchObject({ retry_in_ms: null });
    expect(own.left()).toEqual([]);
  });

  test('other errors are not tried again', async () => {
    using own = bench();
    const outcome = await own.run([failing(1, () => new Error('no'))], {}, { b: { retry } });
    expect(outcome.exitCode).toBe(70);
    expect(own.told().filter((line) => line === 'step.started b')).toHaveLength(1);
  });

  test('where the undo fails there is no other attempt', async () => {
    using own = bench();
    let undone = 0;
    const at: FakeStep['at'] = (place) => {
      if (place === 'after') throw temporary();
      if (place === 'undo' && undone++ === 0) throw new Error('busy');
    };
    const outcome = await own.run([fakeStep('b', { at })], {}, { b: { retry } });
    expect(outcome).toMatchObject({ status: 'failed', exitCode: 1, error: { code: 'nbd.failed' } });
    expect(own.told().filter((line) => line === 'step.started b')).toHaveLength(1);
    expect(own.left()).toEqual([]);
  });

  test('a cancel ends the wait for the next attempt', async () => {
    using own = bench();
    const cancel = new AbortController();
    const step = fakeStep('b', {
      at: (place) => {
        if (place !== 'after') return;
        setTimeout(() => cancel.abort(cancelledBy('SIGINT')), 20);
        throw temporary();
      },
    });
    const outcome = await own.run(
      [step],
      { random: () => 1, cancel: { gently: cancel.signal, atOnce: new AbortController().signal } },
      {
        b: { retry: { attempts: 2, delay: 60_000, maxDelay: 60_000 } },
      },
    );
    expect(outcome).toMatchObject({ status: 'cancelled', exitCode: 130 });
    expect(own.left()).toEqual([]);
  });

  test('delays double up to the longest, with full jitter', () => {
    const policy = { attempts: 6, delay: 100, maxDelay: 500 };
    expect([1, 2, 3, 4, 5, 6].map((attempt) => retryDelay(temporary(), attempt, policy, () => 1))).toEqual([
      100,
      200,
      400,
      500,
      500,
      null,
    ]);
    expect(retryDelay(temporary(), 3, policy, () => 0)).toBe(0);
    expect(retryDelay(temporary(), 3, policy, () => 0.5)).toBe(200);
  });
});
