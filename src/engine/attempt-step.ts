import { SendenseError } from '../errors/sendense-error.ts';
import type { Run } from './open-run.ts';
import type { BegunStep } from './begun-step.ts';
import type { PipelineStep } from './pipeline.ts';
import { settle, type Settled } from './settle.ts';
import { stallWatch, type StallWatch } from './stall-watch.ts';
import type { AnyStep, StepContext } from './step.ts';
import { timeLimit } from './time-limit.ts';

export interface Attempt<S> {
  readonly step: PipelineStep;
  readonly definition: AnyStep<S>;
  readonly begun: BegunStep<S>;
  readonly input: unknown;
  /** Cancels it; timeout and stall come on top. */
  readonly signal: AbortSignal;
}

/** Runs the step once, in a scope of its own, which stays open. */
export async function attemptStep<S>(run: Run<S>, attempt: Attempt<S>): Promise<Settled<unknown>> {
  const { step, definition, begun, input } = attempt;
  begun.scope = new AsyncDisposableStack();
  using limit = timeLimit(
    step.timeout,
    () => new SendenseError('step.timeout', `step ${step.id} took longer than its timeout of ${step.timeout} ms`),
  );
  using stall = stallWatch(step.id, step.stallTimeout);
  const signal = AbortSignal.any([attempt.signal, run.atOnce, limit.signal, stall.signal]);
  const context = stepContext(run, begun, begun.scope, signal, stall);
  const work = async (): Promise<unknown> => {
    const output = plainJson(await definition.run(context, input, begun.claim));
    run.validator.output(step.uses, output);
    return output;
  };
  const grace = Math.max(definition.grace ?? 0, run.limits.grace);
  const settled = await settle(work, signal, grace);
  if (!settled.ok && settled.stuck) {
    begun.stuck = new SendenseError(
      'run.unclean',
      `step ${step.id} did not stop within ${grace} ms and may still be working`,
      { cause: settled.error },
    );
  }
  return settled;
}

/** As it will be read from the journal, so that a step sees the same claim the first time and after a crash. */
export const plainJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null)) as unknown;

const stepContext = <S>(
  run: Run<S>,
  begun: BegunStep<S>,
  scope: AsyncDisposableStack,
  signal: AbortSignal,
  stall: StallWatch,
): StepContext<S> => ({
  ...run.facts(begun.stepId),
  services: run.options.services,
  signal,
  scope,
  alive: stall.alive,
  progress(disks, overall) {
    stall.observe(disks);
    const how = overall === undefined ? {} : { overall: { ...overall } };
    run.say({ type: 'step.progress', step: begun.stepId, disks: disks.map((disk) => ({ ...disk })), ...how });
  },
  log: (message) => run.say({ type: 'step.log', step: begun.stepId, level: 'info', message }),
  warn(message) {
    run.warnings.push(message);
    run.say({ type: 'step.log', step: begun.stepId, level: 'warning', message });
  },
  remembered: begun.remembered,
  remember(name, value) {
    const kept = plainJson(value);
    run.options.journal.remember(run.id, begun.stepId, name, kept);
    begun.remembered[name] = kept;
  },
});
