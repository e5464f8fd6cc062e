import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Evaluator, Pipeline, PipelineStep } from '../../src/engine/pipeline.ts';
import type { RunOptions } from '../../src/engine/run-options.ts';
import { runPipeline } from '../../src/engine/run-pipeline.ts';
import type { AnyStep, StepContext, UndoContext } from '../../src/engine/step.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { isRunning, thisProcess } from '../../src/host/programs/process-identity.ts';
import type { RunEvent } from '../../src/schemas/types.ts';
import { createJournal } from '../../src/state/runs/create-journal.ts';
import { openState, type State } from '../../src/state/database/open-state.ts';

/** Services of the fake steps: a folder in which each leaves a file. */
export interface Effects {
  readonly folder: string;
}

export interface Claim {
  readonly file: string;
}

export type FakeStep = Partial<AnyStep<Effects>> & {
  /** Called in `run` before and after the effect, and in `undo` before it. */
  readonly at?: (place: 'before' | 'after' | 'undo', context: StepContext<Effects> | UndoContext<Effects>) => unknown;
};

/** A step that makes the file of its claim, and whose undo removes it. */
export function fakeStep(id: string, fake: FakeStep = {}): AnyStep<Effects> {
  const { at, ...more } = fake;
  return {
    uses: `fake.${id}`,
    title: `Fake ${id}`,
    claim: (): Claim => ({ file: `${id}.effect` }),
    plan: async () => ({ effects: [], output: { made: id } }),
    async run(context: StepContext<Effects>, _input: unknown, claim: Claim) {
      await at?.('before', context);
      writeFileSync(join(context.services.folder, claim.file), context.runId);
      context.remember('made', claim.file);
      await at?.('after', context);
      return { made: id };
    },
    async undo(context: UndoContext<Effects>, claim: Claim) {
      await at?.('undo', context);
      rmSync(join(context.services.folder, claim.file), { force: true });
    },
    ...more,
  };
}

/** A publish step: its file is the result, and whether it is there tells whether the run has published. */
export const publishStep = (id: string, fake: FakeStep = {}): AnyStep<Effects> =>
  fakeStep(id, {
    leaves: 'result',
    published: async (context: UndoContext<Effects>, claim: Claim) =>
      existsSync(join(context.services.folder, claim.file)),
    ...fake,
  });

/** `${{ steps.a.made }}` as a whole value, and `success()`, `failure()`, `always()`. */
export const fakeEvaluator: Evaluator = {
  value(value, scope) {
    const resolve = (one: unknown): unknown => {
      if (Array.isArray(one)) return one.map(resolve);
      if (one !== null && typeof one === 'object') {
        return Object.fromEntries(Object.entries(one).map(([name, inner]) => [name, resolve(inner)]));
      }
      const path = typeof one === 'string' ? /^\$\{\{ (.*) \}\}$/.exec(one)?.[1] : undefined;
      if (path === undefined) return one;
      let found: unknown = scope;
      for (const key of path.split('.')) found = (found as Record<string, unknown> | undefined)?.[key];
      if (found === undefined) throw new SendenseError('plan.invalid', `${path} is not known`);
      return found;
    };
    return resolve(value);
  },
  condition(text, scope) {
    if (text === 'always()') return true;
    if (text === 'never()') return false;
    if (text === 'failure()') return scope.outcome === 'failure';
    if (text === 'success()') return scope.outcome === 'success';
    throw new SendenseError('plan.invalid', `what is ${text}?`);
  },
};

export interface Bench extends Disposable {
  readonly folder: string;
  readonly state: State;
  readonly events: RunEvent[];
  options(
    steps: readonly AnyStep<Effects>[],
    more?: Partial<RunOptions<Effects>>,
    changes?: StepChanges,
  ): RunOptions<Effects>;
  run(
    steps: readonly AnyStep<Effects>[],
    more?: Partial<RunOptions<Effects>>,
    changes?: StepChanges,
  ): ReturnType<typeof runPipeline>;
  /** Names of the files that the steps left, without `.effect`. */
  left(): string[];
  /** Types of the events, with the step: `step.started a`. */
  told(): string[];
}

export type StepChanges = Record<string, Partial<PipelineStep>>;

export const anyJson = { input: () => {}, output: () => {} };

export function pipelineOf(steps: readonly AnyStep<Effects>[], changes: StepChanges = {}): Pipeline {
  return {
    name: 'nightly',
    kind: 'backup',
    vm: 'pgtest1',
    file: '/plans/nightly.yaml',
    folder: '/plans',
    plan: {},
    steps: steps.map(({ uses }, index) => {
      const id = uses.replace('fake.', '');
      return {
        id,
        uses,
        with: {},
        retry: { attempts: 1, delay: 1, maxDelay: 1 },
        position: { file: '/plans/nightly.yaml', line: index + 1, column: 3 },
        ...changes[id],
      };
    }),
    result: { backup_id: '${{ steps.publish.made }}', disks: '${{ steps.publish.disks }}' },
  };
}

/** A folder with a state database and a folder of effects. */
export function bench(folder: string = mkdtempSync(join(tmpdir(), 'sendense-engine-'))): Bench {
  const effects = join(folder, 'effects');
  mkdirSync(effects, { recursive: true });
  const state = openState(join(folder, 'sendense.db'));
  const events: RunEvent[] = [];
  const options: Bench['options'] = (steps, more = {}, changes = {}) => ({
    pipeline: pipelineOf(steps, changes),
    registry: new Map(steps.map((step) => [step.uses, step])),
    services: { folder: effects },
    evaluator: fakeEvaluator,
    journal: createJournal(state, isRunning),
    owner: thisProcess(),
    lock: 'primary/pgtest1',
    emit: (event) => void events.push(event),
    validator: anyJson,
    limits: { grace: 50, undo: 500 },
    ...more,
  });
  return {
    folder,
    state,
    events,
    options,
    run: (steps, more, changes) => runPipeline(options(steps, more, changes)),
    left: () =>
      readdirSync(effects)
        .map((name) => name.replace('.effect', ''))
        .toSorted(),
    told: () => events.map((event) => ('step' in event ? `${event.type} ${event.step}` : event.type)),
    [Symbol.dispose]: () => {
      state.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits for the signal like a well-behaved step. */
export async function untilAborted(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true });
  return promise;
}
