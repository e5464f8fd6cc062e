/**
 * A run that is killed or signalled by the test: `crash-child.ts FOLDER STEP PLACE`. At that place of that step it
 * prints `here` and waits for its signal. PLACE: before, after (within run), close, undo, claim (before the step starts),
 * end (all steps done, the run not ended).
 */
import { installSignals } from '../../src/engine/install-signals.ts';
import type { AnyStep } from '../../src/engine/step.ts';
import { bench, fakeStep, publishStep, untilAborted, type Effects } from './fake-run.ts';

const [folder = '', where = '', place = ''] = process.argv.slice(2);
const ids = ['a', 'b', 'publish', 'c'];

/** Blocks the process for good: nothing of it can run any more. */
function hang(): never {
  process.stdout.write('here\n');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  throw new Error('woken');
}

const own = bench(folder);
const steps = ids.map((id): AnyStep<Effects> => {
  const make = id === 'publish' ? publishStep : fakeStep;
  const here = where === id;
  return make(id, {
    ...(id === 'b' ? { leaves: 'result' as const } : {}),
    at: async (at, context) => {
      if (here && at === place) hang();
      if (here && place === 'close' && at === 'after' && 'scope' in context) context.scope.defer(hang);
      // To reach undo and close, the step fails.
      if (here && (place === 'undo' || place === 'close') && at === 'after') throw new Error('undo me');
      if (here && at === 'before' && place === 'wait') {
        process.stdout.write('here\n');
        await untilAborted(context.signal);
      }
      if (here && at === 'before' && place === 'deaf') {
        process.stdout.write('here\n');
        // Told once, so that the test knows that the first signal arrived.
        context.signal.addEventListener('abort', () => process.stdout.write('told\n'), { once: true });
        setInterval(() => {}, 1000);
        await new Promise(() => {});
      }
    },
    ...(here && place === 'claim' ? { claim: hang } : {}),
  });
});

using signals = installSignals();
const options = own.options(steps, { cancel: signals, limits: { grace: 60_000 } });
const { journal } = options;
const outcome = await (
  await import('../../src/engine/run-pipeline.ts')
).runPipeline({
  ...options,
  journal: { ...journal, finishRun: (...args) => (place === 'end' ? hang() : journal.finishRun(...args)) },
});
process.stdout.write(`${outcome.status}\n`);
process.exit(outcome.exitCode);
