import { describe, expect, test } from 'vitest';
import { cancelledBy } from '../../src/engine/install-signals.ts';
import { recoverRuns } from '../../src/engine/recover-runs.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { thisProcess } from '../../src/host/programs/process-identity.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { listLocks } from '../../src/state/runs/locks.ts';
import { findRun, listRuns } from '../../src/state/runs/runs.ts';
import { bench, fakeStep, publishStep, untilAborted, type Bench, type FakeStep } from './fake-run.ts';

const ids = ['a', 'b', 'publish', 'c'];
const fails = (): never => {
  throw new SendenseError('tool.failed', 'the tool broke');
};

/** Four steps, the third of which publishes; one of them has a fault. */
const steps = (faulty: string, fake: FakeStep) =>
  ids.map((id) =>
    (id === 'publish' ? publishStep : fakeStep)(id, {
      ...(id === 'b' ? { leaves: 'result' } : {}),
      ...(id === faulty ? fake : {}),
    }),
  );

/** Everything that must hold of events and database after any run. */
function expectSound(own: Bench, runId: string, status: string): void {
  const validate = validatorOf('output/run-event.json');
  for (const event of own.events) expect(validate(event), JSON.stringify([event, validate.errors])).toBe(true);
  expect(own.events[0]?.type).toBe('run.started');
  expect(own.events.at(-1)).toMatchObject({ type: 'run.finished', run_id: runId, status });
  expect(own.events.filter(({ type }) => type === 'run.finished')).toHaveLength(1);
  expect(findRun(own.state, runId)).toMatchObject({ status, unclean: false });
  expect(listLocks(own.state, () => true)).toEqual([]);
}

test('a run that succeeds keeps what its steps made, closes what they held open and tells its result', async () => {
  using own = bench();
  const closed: string[] = [];
  const holding = (id: string): FakeStep => ({
    at: (place, context) => {
      if (place === 'after' && 'scope' in context) context.scope.defer(() => void closed.push(id));
    },
  });
  const outcome = await own.run([fakeStep('a', holding('a')), fakeStep('b', holding('b')), publishStep('publish')]);
  expect(outcome).toMatchObject({ status: 'succeeded', exitCode: 0, error: null, warnings: [], published: true });
  expect(outcome.result).toEqual({ backup_id: 'publish', disks: null });
  expect(own.left()).toEqual(['a', 'b', 'publish']);
  expect(closed).toEqual(['b', 'a']);
  expectSound(own, outcome.runId, 'succeeded');
  expect(own.told()).toEqual([
    'run.started',
    ...['a', 'b', 'publish'].flatMap((id) => [`step.started ${id}`, `step.succeeded ${id}`]),
    'run.finished',
  ]);
  expect(own.events.at(-1)).toMatchObject({ backup_id: 'publish', exit_code: 0, disks: [] });
});

test('what a step failed with is made plainer while all that it made is still there', async () => {
  using own = bench();
  const explain = (error: SendenseError): SendenseError =>
    new SendenseError('disk.full', `${error.message}: ${own.left().join()}`);
  const outcome = await own.run(steps('b', { at: (place) => place === 'after' && fails() }), { explain });
  expect(outcome.error).toMatchObject({ code: 'disk.full', message: 'the tool broke: a,b', position: { line: 2 } });
  expect(own.left()).toEqual([]);
});

describe('a step that fails', () => {
  for (const id of ids.slice(0, 3)) {
    for (const place of ['before', 'after'] as const) {
      if (id === 'publish' && place === 'after') continue;
      test(`${place} the effect of ${id}: nothing is left, newest undone first`, async () => {
        using own = bench();
        const outcome = await own.run(steps(id, { at: (where) => where === place && fails() }));
        expect(outcome).toMatchObject({ status: 'failed', exitCode: 1, published: false, undoErrors: [] });
        expect(outcome.error).toMatchObject({ code: 'tool.failed', position: { line: ids.indexOf(id) + 1 } });
        expect(own.left()).toEqual([]);
        const undone = ids.slice(0, ids.indexOf(id) + 1).toReversed();
        expect(own.told().filter((line) => line.startsWith('undo.finished'))).toEqual(
          undone.map((one) => `undo.finished ${one}`),
        );
        expect(own.told()).toContain('step.skipped c');
        expectSound(own, outcome.runId, 'failed');
        expect(own.events.at(-1)).toMatchObject({
          backup_id: null,
          error: { position: { line: ids.indexOf(id) + 1 } },
        });
      });
    }

    test(`in the undo of ${id}: the others are undone, exit code 16 says what is left, and a recovery ends it`, async () => {
      using own = bench();
      let broken = true;
      const list = ids.slice(0, 3).map((one) =>
        fakeStep(one, {
          at: (place) => {
            const breaks = (one === 'publish' && place === 'after') || (one === id && place === 'undo');
            if (broken && breaks) fails();
          },
        }),
      );
      const outcome = await own.run(list);
      expect(outcome).toMatchObject({ status: 'failed', exitCode: 16, error: { code: 'tool.failed' } });
      expect(outcome.undoErrors).toMatchObject([
        { code: 'run.unclean', message: `step ${id} could not be cleaned up: the tool broke` },
      ]);
      expect(own.left()).toEqual([id]);
      expect(findRun(own.state, outcome.runId)).toMatchObject({ status: 'failed', unclean: true, exitCode: 16 });

      const options = { ...own.options(list), recoverer: thisProcess() };
      expect(await recoverRuns(options)).toMatchObject([{ undone: [], errors: [{ code: 'run.unclean' }] }]);
      broken = false;
      expect(await recoverRuns(options)).toMatchObject([{ runId: outcome.runId, undone: [id], errors: [] }]);
      expect(await recoverRuns(options)).toEqual([]);
      expect(own.left()).toEqual([]);
      expect(findRun(own.state, outcome.runId)).toMatchObject({ status: 'failed', unclean: false, exitCode: 16 });
    });
  }
});

describe('a cancel', () => {
  for (const id of ids.slice(0, 3)) {
    test(`while ${id} runs: it is stopped, all is undone, exit code 143 for SIGTERM`, async () => {
      using own = bench();
      const cancel = new AbortController();
      const at: FakeStep['at'] = (place, context) => {
        if (place !== 'before') return undefined;
        cancel.abort(cancelledBy('SIGTERM'));
        return untilAborted(context.signal);
      };
      const outcome = await own.run(steps(id, { at }), {
        cancel: { gently: cancel.signal, atOnce: new AbortController().signal },
      });
      expect(outcome).toMatchObject({ status: 'cancelled', exitCode: 143, error: { code: 'run.cancelled' } });
      expect(own.left()).toEqual([]);
      expect(own.events).toContainEqual(expect.objectContaining({ type: 'run.cancelling', signal: 'SIGTERM' }));
      expectSound(own, outcome.runId, 'cancelled');
    });
  }

  test('before the first step: none is run', async () => {
    using own = bench();
    const outcome = await own.run([fakeStep('a')], {
      cancel: { gently: AbortSignal.abort(), atOnce: new AbortController().signal },
    });
    expect(outcome).toMatchObject({ status: 'cancelled', exitCode: 130 });
    expect(own.told()).toEqual(['run.started', 'step.skipped a', 'run.finished']);
  });

  test('after the last step was done changes nothing', async () => {
    using own = bench();
    const cancel = new AbortController();
    const at: FakeStep['at'] = (place) => place === 'after' && cancel.abort(cancelledBy('SIGINT'));
    const outcome = await own.run([fakeStep('a', { at })], {
      cancel: { gently: cancel.signal, atOnce: new AbortController().signal },
    });
    expect(outcome).toMatchObject({ status: 'succeeded', exitCode: 0 });
  });

  test('still gives always() steps their turn, with a signal of their own, before anything is undone', async () => {
    using own = bench();
    const cancel = new AbortController();
    const seen: unknown[] = [];
    const a = fakeStep('a', {
      at: (place, context) => {
        if (place !== 'after') return undefined;
        cancel.abort(cancelledBy('SIGINT'));
        return untilAborted(context.signal);
      },
    });
    const b = fakeStep('b', {
      at: (place, context) => place === 'before' && seen.push(own.left(), context.signal.aborted),
    });
    const outcome = await own.run(
      [a, b],
      { cancel: { gently: cancel.signal, atOnce: new AbortController().signal } },
      {
        b: { if: 'always()' },
      },
    );
    expect(outcome).toMatchObject({ status: 'cancelled', exitCode: 130 });
    expect(seen).toEqual([['a'], false]);
    expect(own.left()).toEqual([]);
  });

  test('at once: the run returns although a step hangs, and leaves the rest to a recovery', async () => {
    using own = bench();
    const [gently, atOnce] = [new AbortController(), new AbortController()];
    const hang = fakeStep('b', {
      at: (place) => {
        if (place !== 'after') return undefined;
        gently.abort(cancelledBy('SIGINT'));
        setImmediate(() => atOnce.abort(cancelledBy('SIGINT')));
        return new Promise(() => {});
      },
    });
    const outcome = await own.run([fakeStep('a'), hang], {
      cancel: { gently: gently.signal, atOnce: atOnce.signal },
      limits: { grace: 60_000 },
    });
    expect(outcome).toMatchObject({ status: 'cancelled', exitCode: 130 });
    expect(own.left()).toEqual(['a', 'b']);
    expect(own.events.at(-1)?.type).toBe('run.finished');
    expect(listRuns(own.state, { open: true })).toHaveLength(1);
  });
});

describe('after the publish point', () => {
  test('a failure is a warning, the result stays, and what is temporary is undone', async () => {
    using own = bench();
    const outcome = await own.run(steps('c', { at: (place) => place === 'after' && fails() }));
    expect(outcome).toMatchObject({ status: 'succeeded', exitCode: 3, error: null, published: true });
    expect(outcome.warnings).toEqual(['step c failed: the tool broke']);
    expect(own.left()).toEqual(['b', 'publish']);
    expectSound(own, outcome.runId, 'succeeded');
    expect(own.events.at(-1)).toMatchObject({ backup_id: 'publish' });
  });

  test('a command of the plan that fails makes the run fail, with the backup id', async () => {
    using own = bench();
    const outcome = await own.run(
      steps('c', { afterPublish: 'failure', at: (place) => place === 'before' && fails() }),
    );
    expect(outcome).toMatchObject({ status: 'failed', exitCode: 1, error: { code: 'tool.failed' }, published: true });
    expect(outcome.result).toMatchObject({ backup_id: 'publish' });
    expect(own.left()).toEqual(['b', 'publish']);
    expectSound(own, outcome.runId, 'failed');
  });

  test('what cannot be undone is a warning that a recovery takes up', async () => {
    using own = bench();
    const outcome = await own.run(steps('c', { at: (place) => place !== 'before' && fails() }));
    expect(outcome).toMatchObject({ status: 'succeeded', exitCode: 3 });
    expect(outcome.warnings).toHaveLength(2);
    expect(findRun(own.state, outcome.runId)).toMatchObject({ status: 'succeeded', unclean: true, published: true });
  });

  test('a cancel stops the run, and the result stays', async () => {
    using own = bench();
    const cancel = new AbortController();
    const at: FakeStep['at'] = (place) => place === 'after' && cancel.abort(cancelledBy('SIGINT'));
    const outcome = await own.run(steps('publish', { at }), {
      cancel: { gently: cancel.signal, atOnce: new AbortController().signal },
    });
    expect(outcome).toMatchObject({
      status: 'cancelled',
      exitCode: 130,
      published: true,
      result: { backup_id: 'publish' },
    });
    expect(own.left()).toEqual(['b', 'publish']);
  });

  test('a publish step that failed after its claim became durable is finished, not undone', async () => {
    using own = bench();
    let calls = 0;
    const outcome = await own.run(steps('publish', { at: (place) => place === 'after' && calls++ === 0 && fails() }));
    expect(outcome).toMatchObject({ status: 'succeeded', exitCode: 0, published: true });
    expect(own.left()).toEqual(['a', 'b', 'c', 'publish']);
    expectSound(own, outcome.runId, 'succeeded');
  });

  test('one that can never be finished fails the run and keeps the result', async () => {
    using own = bench();
    const outcome = await own.run(steps('publish', { at: (place) => place === 'after' && fails() }));
    expect(outcome).toMatchObject({ status: 'failed', exitCode: 1, published: true });
    expect(own.left()).toEqual(['b', 'publish']);
  });

  test('where it cannot be known whether the run has published, the result is left alone', async () => {
    using own = bench();
    const outcome = await own.run(
      steps('publish', { at: (place) => place === 'after' && fails(), published: async () => fails() }),
    );
    expect(outcome).toMatchObject({ status: 'failed', exitCode: 16, published: false });
    expect(own.left()).toEqual(['b', 'publish']);
    expect(findRun(own.state, outcome.runId)).toMatchObject({ unclean: true, published: false });
  });
});

describe('conditions', () => {
  test('failure() and always() steps run before anything is undone; the first cause stays', async () => {
    using own = bench();
    const seen: string[][] = [];
    const look: FakeStep = { at: (place) => place === 'before' && seen.push(own.left()) };
    const outcome = await own.run(
      [
        fakeStep('a'),
        fakeStep('b', { at: fails }),
        fakeStep('c', look),
        fakeStep('d', {
          at: () => {
            throw new Error('later');
          },
        }),
        fakeStep('e', look),
      ],
      {},
      { c: { if: 'failure()' }, d: { if: 'always()' }, e: { if: 'always()' } },
    );
    expect(seen).toEqual([['a'], ['a', 'c']]);
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'tool.failed' } });
    expect(outcome.warnings).toEqual(['step d failed: later']);
    expect(own.told()).toContain('undo.failed d');
  });

  test('a failure() step is skipped in a run that goes well', async () => {
    using own = bench();
    const outcome = await own.run([fakeStep('a'), fakeStep('b')], {}, { b: { if: 'failure()' } });
    expect(outcome.exitCode).toBe(0);
    expect(own.events).toContainEqual(
      expect.objectContaining({ type: 'step.skipped', step: 'b', reason: 'failure() does not hold' }),
    );
  });

  test('a condition that cannot be evaluated fails the step', async () => {
    using own = bench();
    const outcome = await own.run([fakeStep('a'), fakeStep('b')], {}, { b: { if: 'maybe()' } });
    expect(outcome).toMatchObject({ status: 'failed', exitCode: 10, error: { position: { line: 2 } } });
    expect(own.left()).toEqual([]);
  });
});

describe('inputs and outputs', () => {
  test('outputs reach later steps; a reference to nothing fails the step before it has started', async () => {
    using own = bench();
    const inputs: unknown[] = [];
    const b = fakeStep('b', { claim: (input: unknown) => inputs.push(structuredClone(input)) && { file: 'b.effect' } });
    const good = await own.run([fakeStep('a'), b], {}, { b: { with: { from: ['${{ steps.a.made }}'] } } });
    expect(good.exitCode).toBe(0);
    expect(inputs).toEqual([{ from: ['a'] }]);
    const bad = await own.run([fakeStep('a'), b], {}, { b: { with: { from: '${{ steps.x.made }}' } } });
    expect(bad).toMatchObject({ exitCode: 10, error: { code: 'plan.invalid', position: { line: 2 } } });
  });

  test('an output that its schema does not allow fails the step, which is undone', async () => {
    using own = bench();
    const { schemaValidator } = await import('../../src/engine/step-validator.ts');
    const release = fakeStep('x', { uses: 'ports.release', run: async () => ({ released: 'many' }) });
    const outcome = await own.run([release], { validator: schemaValidator }, { 'ports.release': { id: 'release' } });
    expect(outcome).toMatchObject({
      exitCode: 70,
      error: { code: 'step.output', message: expect.stringContaining('/released must be integer') },
    });
  });

  test("an input that the schema does not allow is the plan's fault", async () => {
    using own = bench();
    const { schemaValidator } = await import('../../src/engine/step-validator.ts');
    const release = fakeStep('x', { uses: 'ports.release' });
    const outcome = await own.run(
      [release],
      { validator: schemaValidator },
      { 'ports.release': { with: { leases: 1 } } },
    );
    expect(outcome).toMatchObject({ exitCode: 10, error: { code: 'plan.invalid' } });
    expect(own.left()).toEqual([]);
  });

  test('a step that is not in the registry fails', async () => {
    using own = bench();
    const outcome = await own.run([fakeStep('a')], { registry: new Map() });
    expect(outcome).toMatchObject({ exitCode: 10, error: { message: 'step a uses fake.a, which does not exist' } });
  });

  test('run and undo get the claim as the journal holds it', async () => {
    using own = bench();
    const claims: unknown[] = [];
    const step = fakeStep('a', {
      claim: () => ({ when: new Date(0), none: undefined }),
      run: async (_context, _input, claim) => {
        claims.push(claim);
        return fails();
      },
      undo: async (_context, claim) => void claims.push(claim),
    });
    await own.run([step]);
    const journalled = { when: '1970-01-01T00:00:00.000Z' };
    expect(claims).toEqual([journalled, journalled]);
  });
});

describe('scopes', () => {
  test('are closed before the undo of their step; every fault is told', async () => {
    using own = bench();
    const order: string[] = [];
    const step = fakeStep('a', {
      at: (place, context) => {
        order.push(place);
        if (place !== 'after' || !('scope' in context)) return;
        for (const name of ['one', 'two']) {
          context.scope.defer(() => {
            order.push(`close ${name}`);
            throw new Error(`${name} hangs`);
          });
        }
        fails();
      },
    });
    const outcome = await own.run([step]);
    expect(order).toEqual(['before', 'after', 'close two', 'close one', 'undo']);
    expect(outcome).toMatchObject({
      exitCode: 16,
      undoErrors: [{ message: 'step a could not be cleaned up: one hangs; two hangs' }],
    });
    expect(own.left()).toEqual([]);
  });

  test('that cannot be closed after a run that went well are warnings', async () => {
    using own = bench();
    const step = fakeStep('a', {
      at: (place, context) => {
        if (place === 'after' && 'scope' in context) context.scope.defer(() => fails());
      },
    });
    const outcome = await own.run([step]);
    expect(outcome).toMatchObject({ status: 'succeeded', exitCode: 3, warnings: ['the tool broke'] });
  });
});

test('warnings of a step end the run with exit code 3', async () => {
  using own = bench();
  const outcome = await own.run([
    fakeStep('a', {
      at: (place, context) => {
        if (place === 'after' && 'warn' in context) context.warn('torn');
      },
    }),
  ]);
  expect(outcome).toMatchObject({ status: 'succeeded', exitCode: 3, warnings: ['torn'] });
});

test('who watches and throws does not disturb the run', async () => {
  using own = bench();
  const outcome = await own.run([fakeStep('a')], { emit: fails });
  expect(outcome.exitCode).toBe(0);
});

test('a journal that fails in mid-run ends it, and what was done is undone all the same', async () => {
  using own = bench();
  const { journal } = own.options([]);
  const broken = {
    ...journal,
    record: (...args: Parameters<typeof journal.record>) => {
      if (args[1] === 'b') throw new SendenseError('disk.full', 'no space for the state database');
      journal.record(...args);
    },
  };
  const outcome = await own.run([fakeStep('a'), fakeStep('b')], { journal: broken });
  expect(outcome).toMatchObject({ status: 'failed', exitCode: 1, error: { code: 'disk.full' } });
  expect(own.left()).toEqual([]);
});

test('a run that cannot be entered in the journal ends with that error', async () => {
  using own = bench();
  const { journal } = own.options([]);
  const outcome = await own.run([fakeStep('a')], {
    journal: {
      ...journal,
      startRun: () => {
        throw new SendenseError('state.unusable', 'locked');
      },
    },
  });
  expect(outcome).toMatchObject({ status: 'failed', exitCode: 1, error: { code: 'state.unusable' } });
  expect(own.told()).toEqual(['run.started', 'run.finished']);
});
