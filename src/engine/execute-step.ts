import { errorToJson, SendenseError, toSendenseError } from '../errors/sendense-error.ts';
import { attemptStep, plainJson, type Attempt } from './attempt-step.ts';
import type { JournalEntry } from './journal.ts';
import type { Run } from './open-run.ts';
import type { BegunStep } from './begun-step.ts';
import { positionOf, type PipelineStep, type Scope } from './pipeline.ts';
import { retryDelay, waitFor } from './retry-delay.ts';
import type { Settled } from './settle.ts';
import { timeLimit } from './time-limit.ts';
import { askPublished, closeScope, undoStep, type UndoParts } from './undo-step.ts';
import { isResult } from './unwind.ts';

/** Where the step stands in its run. */
export interface Turn {
  /** Place in the pipeline, from 0. */
  readonly number: number;
  readonly outcome: Scope['outcome'];
  readonly signal: AbortSignal;
}

/**
 * One step from its condition to its output, with retries. Its failure is told and journalled; cleaning up is the
 * run's business, except between attempts.
 * @returns the error it failed with; null where it succeeded or was skipped
 */
export async function executeStep<S>(run: Run<S>, step: PipelineStep, turn: Turn): Promise<SendenseError | null> {
  const started = run.now();
  const title = run.options.registry.get(step.uses)?.title ?? step.uses;
  const announce = (attempt: number): void =>
    run.say({ type: 'step.started', step: step.id, uses: step.uses, title, attempt });
  const fail = (error: SendenseError, retryIn: number | null = null): SendenseError => {
    error.position ??= positionOf(step, error.code);
    const duration_ms = Math.max(0, run.now() - started);
    run.say({ type: 'step.failed', step: step.id, duration_ms, error: errorToJson(error), retry_in_ms: retryIn });
    return error;
  };

  let attempt: Attempt<S>;
  try {
    const condition = step.if ?? 'success()';
    if (!run.options.evaluator.condition(condition, run.values(turn.outcome))) {
      const reason = step.if === undefined ? 'the run did not get here' : `${condition} does not hold`;
      run.say({ type: 'step.skipped', step: step.id, reason });
      return null;
    }
    announce(1);
    attempt = prepare(run, step, turn);
  } catch (error) {
    return fail(toSendenseError(error));
  }

  for (let count = 1; ; count++) {
    if (count > 1) announce(count);
    const ended = await journalledAttempt(run, attempt, turn, count);
    if (ended.ok) {
      run.outputs[step.id] = ended.value;
      run.say({
        type: 'step.succeeded',
        step: step.id,
        duration_ms: Math.max(0, run.now() - started),
        output: ended.value,
      });
      return null;
    }
    const { error } = ended;
    const delay = mayRetry(run, attempt, ended.stuck) ? retryDelay(error, count, step.retry, run.random) : null;
    if (delay === null) return fail(error);
    fail(error, delay);
    if (!attempt.begun.undone && (await undoStep(undoParts(run), attempt.begun))) return fail(error);
    const stop = AbortSignal.any([turn.signal, run.atOnce]);
    if (!(await waitFor(delay, stop))) return fail(toSendenseError(stop.reason));
  }
}

/** Another attempt is only made after an undo, and a result that is published is never undone. */
function mayRetry<S>(run: Run<S>, { definition, signal }: Attempt<S>, stuck: boolean): boolean {
  const kept = (run.published || run.publishedInDoubt) && isResult(definition);
  return !kept && !stuck && !signal.aborted && !run.atOnce.aborted;
}

export const undoParts = <S>(run: Run<S>): UndoParts<S> => ({
  runId: run.id,
  journal: run.options.journal,
  services: run.options.services,
  limits: run.limits,
  atOnce: run.atOnce,
  isPublished: run.published,
  say: run.say,
  facts: run.facts,
});

/** Input and claim: all that is decided before the step has any effect. */
function prepare<S>(run: Run<S>, step: PipelineStep, turn: Turn): Attempt<S> {
  const definition = run.options.registry.get(step.uses);
  if (!definition) throw new SendenseError('plan.invalid', `step ${step.id} uses ${step.uses}, which does not exist`);
  // A copy, for the validator fills in defaults and whole outputs may be passed on.
  const input = structuredClone(run.options.evaluator.value(step.with, run.values(turn.outcome)));
  run.validator.input(step.uses, input);
  const claim = plainJson(definition.claim(input, run.facts(step.id)));
  const begun: BegunStep<S> = {
    stepId: step.id,
    uses: step.uses,
    definition,
    claim,
    remembered: {},
    scope: undefined,
    undone: true,
    stuck: undefined,
  };
  return { step, definition, begun, input, signal: turn.signal };
}

async function journalledAttempt<S>(
  run: Run<S>,
  attempt: Attempt<S>,
  turn: Turn,
  count: number,
): Promise<Settled<unknown>> {
  const { begun, definition, step } = attempt;
  const note = (entry: JournalEntry): SendenseError | null => {
    try {
      if (!run.atOnce.aborted) run.options.journal.record(run.id, step.id, entry);
      return null;
    } catch (error) {
      return toSendenseError(error);
    }
  };
  const { number } = turn;
  const refused = note({ event: 'started', uses: step.uses, number, attempt: count, claim: begun.claim });
  if (refused) return { ok: false, error: refused, stuck: false };
  begun.undone = false;
  if (!run.begun.includes(begun)) run.begun.push(begun);

  let ended = await attemptStep(run, attempt);
  if (definition.published) ended = await settlePublish(run, attempt, ended);
  if (ended.ok) {
    const unwritten = note({ event: 'succeeded', output: ended.value });
    if (unwritten) ended = { ok: false, error: unwritten, stuck: false };
  }
  if (!ended.ok) {
    ended = { ...ended, error: run.options.explain?.(ended.error) ?? ended.error };
    ended.error.position ??= positionOf(step, ended.error.code);
    note({ event: 'failed', error: errorToJson(ended.error) });
  }
  return ended;
}

/**
 * The publish step is over: has the run published? Where it failed although its claim is durable, it is run once more,
 * to its end, for it can no longer be undone.
 */
async function settlePublish<S>(run: Run<S>, attempt: Attempt<S>, ended: Settled<unknown>): Promise<Settled<unknown>> {
  if (ended.ok) {
    run.published = true;
    return ended;
  }
  try {
    // A step that still works may publish at any time.
    if (ended.stuck || run.atOnce.aborted) throw ended.error;
    run.published = await askPublished(undoParts(run), attempt.begun);
  } catch {
    run.publishedInDoubt = true;
    return ended;
  }
  if (!run.published) return ended;
  await closeScope(undoParts(run), attempt.begun);
  const ms = run.limits.undo;
  using limit = timeLimit(
    ms,
    () => new SendenseError('step.timeout', `step ${attempt.step.id} did not finish publishing`),
  );
  return await attemptStep(run, { ...attempt, signal: limit.signal });
}
