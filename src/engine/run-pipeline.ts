import { errorToJson, SendenseError, toSendenseError } from '../errors/sendense-error.ts';
import type { DiskResult, GroupedRun } from '../schemas/types.ts';
import { evaluateResult } from './evaluate-result.ts';
import { executeStep, undoParts } from './execute-step.ts';
import { exitCode } from './exit-code.ts';
import { openRun, type Run } from './open-run.ts';
import type { PipelineStep, Scope } from './pipeline.ts';
import type { RunOptions, RunOutcome } from './run-options.ts';
import { startRun } from './start-run.ts';
import { closeScope } from './undo-step.ts';
import { unwind } from './unwind.ts';

/**
 * Runs a pipeline to its end, whatever happens: it publishes its result or leaves nothing behind, and says what it could
 * not clean up. Never rejects. The last event is `run.finished`.
 */
export async function runPipeline<S>(options: RunOptions<S>): Promise<RunOutcome> {
  const run = openRun(options);
  announce(run);
  const onCancel = (): void => {
    const { details } = toSendenseError(run.gently.reason);
    run.say({ type: 'run.cancelling', signal: String(details?.['signal']) });
  };
  run.gently.addEventListener('abort', onCancel, { once: true });
  const { promise: atOnce, resolve } = Promise.withResolvers<void>();
  const onAtOnce = (): void => resolve();
  run.atOnce.addEventListener('abort', onAtOnce, { once: true });
  if (run.atOnce.aborted) onAtOnce();
  // A step may wait for its signal alone, and Node ends a process that has nothing else to wait for.
  const alive = setInterval(() => {}, 1 << 30);
  try {
    const outcome = await Promise.race([execute(run), atOnce.then(() => abandoned(run))]);
    finished(run, outcome);
    return outcome;
  } finally {
    clearInterval(alive);
    run.close();
    run.gently.removeEventListener('abort', onCancel);
    run.atOnce.removeEventListener('abort', onAtOnce);
  }
}

/** How the steps went: the state of the run when its last step was over. */
interface Course {
  outcome: Scope['outcome'];
  /** The first cause. */
  error: SendenseError | null;
  /** A step failed, be it only with a warning: what is temporary has to be undone. */
  stepFailed: boolean;
}

async function execute<S>(run: Run<S>): Promise<RunOutcome> {
  const course: Course = { outcome: 'success', error: null, stepFailed: false };
  try {
    await startRun(run);
  } catch (error) {
    return outcomeOf(run, { ...course, outcome: 'failure', error: toSendenseError(error) });
  }
  try {
    await walk(run, course);
  } catch (error) {
    give(course, 'failure', toSendenseError(error));
  }
  await cleanUp(run, course);
  const outcome = outcomeOf(run, course);
  return run.atOnce.aborted ? outcome : record(run, outcome);
}

/** Every step has its turn also after a failure, for its condition may want that. */
async function walk<S>(run: Run<S>, course: Course): Promise<void> {
  for (const [number, step] of run.options.pipeline.steps.entries()) {
    if (run.atOnce.aborted) return;
    if (run.gently.aborted) give(course, 'cancelled', toSendenseError(run.gently.reason));
    // What runs in spite of a cancel must not be cancelled by it.
    const signal = course.outcome === 'cancelled' ? run.atOnce : run.gently;
    const error = await executeStep(run, step, { number, outcome: course.outcome, signal });
    if (!error) continue;
    course.stepFailed = true;
    if (run.gently.aborted && error === run.gently.reason) give(course, 'cancelled', error);
    else if (course.error || isOnlyWarning(run, step)) run.warnings.push(`step ${step.id} failed: ${error.message}`);
    else give(course, 'failure', error);
  }
}

/** The first cause stays. */
function give(course: Course, outcome: Scope['outcome'], error: SendenseError): void {
  if (course.error) return;
  course.outcome = outcome;
  course.error = error;
}

const isOnlyWarning = <S>(run: Run<S>, step: PipelineStep): boolean => {
  const definition = run.options.registry.get(step.uses);
  return run.published && definition?.afterPublish !== 'failure' && !definition?.published;
};

async function cleanUp<S>(run: Run<S>, course: Course): Promise<void> {
  const parts = undoParts(run);
  if (course.error || course.stepFailed) {
    try {
      if (!run.atOnce.aborted) run.options.journal.unwinding(run.id);
    } catch (error) {
      run.undoErrors.push(toSendenseError(error));
    }
    const { errors } = await unwind(parts, run.begun, run.published || run.publishedInDoubt);
    run.undoErrors.push(...errors);
    if (run.publishedInDoubt) run.undoErrors.push(doubt());
    return;
  }
  for (const step of run.begun.toReversed()) {
    for (const error of await closeScope(parts, step)) run.warnings.push(error.message);
  }
}

const doubt = (): SendenseError =>
  new SendenseError('run.unclean', 'the run does not know whether it published its result, so it kept the files');

function outcomeOf<S>(run: Run<S>, course: Course): RunOutcome {
  const { error, outcome } = course;
  const { undoErrors } = run;
  // A published run whose later steps failed has succeeded; what is left of those steps is for the next recovery.
  const warnings = error ? run.warnings : [...run.warnings, ...undoErrors.map(({ message }) => message)];
  return {
    runId: run.id,
    status: error === null ? 'succeeded' : outcome === 'cancelled' ? 'cancelled' : 'failed',
    exitCode: exitCode({ error, undoErrors, warnings }),
    result: evaluateResult(run, outcome),
    error,
    undoErrors,
    warnings,
    published: run.published,
  };
}

/** The run was told not to wait: all is left to the next recovery. */
function abandoned<S>(run: Run<S>): RunOutcome {
  const error = new SendenseError('run.cancelled', `${toSendenseError(run.atOnce.reason).message}, at once`, {
    details: toSendenseError(run.atOnce.reason).details ?? {},
    remedy: 'The next run or `sendense-run recover` cleans up the rest.',
  });
  const outcome = outcomeOf(run, { outcome: 'cancelled', error, stepFailed: false });
  return { ...outcome, exitCode: exitCode({ error, undoErrors: [], warnings: [] }) };
}

function record<S>(run: Run<S>, outcome: RunOutcome): RunOutcome {
  const { status, exitCode: code, result, error, warnings, published, undoErrors } = outcome;
  try {
    run.options.journal.finishRun(run.id, {
      status,
      exitCode: code,
      result,
      error: error && errorToJson(error),
      warnings,
      published,
      unclean: undoErrors.length > 0,
      undoErrors: undoErrors.map(errorToJson),
      finished: run.now(),
    });
    return outcome;
  } catch (failure) {
    const unwritten = toSendenseError(failure);
    const message = `the end of run ${run.id} could not be recorded: ${unwritten.message}`;
    const errors = [...undoErrors, new SendenseError('run.unclean', message, { cause: failure })];
    const all = error ? warnings : [...warnings, message];
    return {
      ...outcome,
      undoErrors: errors,
      warnings: all,
      exitCode: exitCode({ error, undoErrors: errors, warnings: all }),
    };
  }
}

function announce<S>(run: Run<S>): void {
  const { name, kind, vm, file, steps } = run.options.pipeline;
  run.say({
    type: 'run.started',
    plan: name,
    kind,
    vm,
    file,
    steps: steps.map(({ id, uses }) => ({ id, uses, title: run.options.registry.get(uses)?.title ?? uses })),
  });
}

function finished<S>(run: Run<S>, outcome: RunOutcome): void {
  const { name, kind, vm } = run.options.pipeline;
  const { backup_id, disks, runs } = outcome.result;
  run.say({
    type: 'run.finished',
    plan: name,
    kind,
    vm,
    status: outcome.status,
    exit_code: outcome.exitCode,
    duration_ms: Math.max(0, run.now() - run.startedAt),
    backup_id: typeof backup_id === 'string' ? backup_id : null,
    error: outcome.error && errorToJson(outcome.error),
    undo_errors: outcome.undoErrors.map(errorToJson),
    warnings: [...outcome.warnings],
    disks: Array.isArray(disks) ? (disks as DiskResult[]) : [],
    ...(kind === 'group' && Array.isArray(runs) ? { runs: runs as GroupedRun[] } : {}),
  });
}
