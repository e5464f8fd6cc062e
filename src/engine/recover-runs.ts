import { errorToJson, SendenseError, toSendenseError } from '../errors/sendense-error.ts';
import type { ProcessIdentity, RunEvent } from '../schemas/types.ts';
import type { Journal, JournalledRun, JournalledStep } from './journal.ts';
import type { BegunStep } from './begun-step.ts';
import { defaultLimits, type HasEnded, type RunLimits } from './run-options.ts';
import type { StepRegistry } from './step.ts';
import { askPublished, type UndoParts } from './undo-step.ts';
import { unwind } from './unwind.ts';

export interface RecoverOptions<S> {
  readonly journal: Journal;
  readonly registry: StepRegistry<S>;
  readonly services: S;
  /** Identity of this process. */
  readonly recoverer: ProcessIdentity;
  /** Only this run. */
  readonly only?: string;
  /** Default: nobody knows. */
  readonly hasEnded?: HasEnded;
  readonly limits?: Partial<RunLimits>;
  /** Stops waiting; what is left stays for the next recovery. */
  readonly signal?: AbortSignal;
  /** Gets `undo.*` and `step.log` events of the recovered runs. */
  emit?(event: RunEvent): void;
}

export interface RecoveredRun {
  readonly runId: string;
  readonly plan: string;
  /** Ids of the steps that were undone, newest first. */
  readonly undone: readonly string[];
  readonly published: boolean;
  /** What undoing left on purpose, and the way out. */
  readonly kept: readonly string[];
  /** What could not be cleaned up; the next recovery tries it again. */
  readonly errors: readonly SendenseError[];
}

/**
 * Cleans up after runs whose process died, and after ended ones of which something was left, from what the journal says
 * of them. A run whose owner lives, or may live where nobody here can see it, is never touched, and no run is recovered by two processes at once.
 */
export async function recoverRuns<S>(options: RecoverOptions<S>): Promise<RecoveredRun[]> {
  const recovered: RecoveredRun[] = [];
  for (const run of options.journal.recoverableRuns()) {
    if (options.signal?.aborted) break;
    if (options.only !== undefined && run.id !== options.only) continue;
    const hasEnded = run.open && run.unseenIn !== null && (await options.hasEnded?.(run)) === true;
    if (!options.journal.claimRecovery(run.id, options.recoverer, hasEnded)) continue;
    recovered.push(await recoverRun(options, run));
  }
  return recovered;
}

async function recoverRun<S>(options: RecoverOptions<S>, run: JournalledRun): Promise<RecoveredRun> {
  const { journal } = options;
  const kept: string[] = [];
  const parts = undoParts(options, run, kept);
  const journalled = journal.stepsOf(run.id);
  if (run.open) journal.unwinding(run.id);
  const errors: SendenseError[] = [];
  let { published } = run;
  let inDoubt = false;
  for (const step of journalled) {
    try {
      published ||= await hasPublished(options, parts, step);
    } catch (error) {
      inDoubt = true;
      errors.push(toSendenseError(error));
    }
  }
  const steps = journalled.map((step) => begunStep(options, step));
  const unwound = await unwind({ ...parts, isPublished: published }, steps, published || inDoubt);
  errors.push(...unwound.errors);
  const unclean = errors.length > 0 || parts.atOnce.aborted;
  if (run.open) {
    const error = new SendenseError('run.crashed', `the process of run ${run.id} (pid ${run.owner.pid}) died`);
    journal.finishRun(run.id, {
      status: 'crashed',
      exitCode: unclean ? 16 : error.entry.exit,
      result: {},
      error: errorToJson(error),
      warnings: [],
      published,
      unclean,
      undoErrors: errors.map(errorToJson),
      finished: Date.now(),
    });
  } else {
    journal.finishRecovery(run.id, unclean);
  }
  return { runId: run.id, plan: run.plan, undone: unwound.undone, published, kept, errors };
}

async function hasPublished<S>(
  options: RecoverOptions<S>,
  parts: UndoParts<S>,
  step: JournalledStep,
): Promise<boolean> {
  if (!options.registry.get(step.uses)?.published || step.state === 'undo_finished') return false;
  return step.state === 'succeeded' || (await askPublished(parts, begunStep(options, step)));
}

const begunStep = <S>(options: RecoverOptions<S>, step: JournalledStep): BegunStep<S> => ({
  stepId: step.stepId,
  uses: step.uses,
  definition: options.registry.get(step.uses),
  claim: step.claim,
  remembered: { ...step.remembered },
  scope: undefined,
  undone: step.state === 'undo_finished',
  stuck: undefined,
});

const undoParts = <S>(options: RecoverOptions<S>, run: JournalledRun, kept: string[]): UndoParts<S> => ({
  runId: run.id,
  journal: options.journal,
  services: options.services,
  limits: { ...defaultLimits, ...options.limits },
  atOnce: options.signal ?? new AbortController().signal,
  isPublished: run.published,
  say: (event) => {
    if (event.type === 'step.log' && event.level === 'warning') kept.push(event.message);
    options.emit?.({ ...event, time: Date.now(), run_id: run.id });
  },
  facts: (stepId) => ({
    runId: run.id,
    stepId,
    startedAt: run.started,
    planName: run.plan,
    planFolder: run.planFolder,
  }),
});
