import type { SendenseError } from '../errors/sendense-error.ts';
import type { ProcessIdentity, RunEvent } from '../schemas/types.ts';
import type { Journal, JournalledRun, RunOrigin } from './journal.ts';
import type { Evaluator, Pipeline } from './pipeline.ts';
import type { StepRegistry } from './step.ts';
import type { StepValidator } from './step-validator.ts';

/** How a run is asked to stop. The reason of `gently` is the SendenseError to end with. */
export interface CancelSignals {
  /** Stop, then clean up. */
  readonly gently: AbortSignal;
  /** Stop waiting: return at once; what is left is in the journal for the next recovery. */
  readonly atOnce: AbortSignal;
}

/** Whether a run has ended whose owner cannot be looked for from here; null: nobody knows. */
export type HasEnded = (run: JournalledRun) => Promise<boolean | null>;

/** Milliseconds. */
export interface RunLimits {
  /** How long a step may take to end after its signal aborted before it counts as stuck. */
  readonly grace: number;
  /** How long closing a scope, an undo, or asking whether a claim is published may take. */
  readonly undo: number;
}

export const defaultLimits: RunLimits = { grace: 60_000, undo: 120_000 };

export interface RunOptions<S> {
  readonly pipeline: Pipeline;
  readonly registry: StepRegistry<S>;
  readonly services: S;
  readonly evaluator: Evaluator;
  readonly journal: Journal;
  /** Identity of this process. */
  readonly owner: ProcessIdentity;
  /** Held for the length of the run; null: none. */
  readonly lock: string | null;
  /** As for `recoverRuns`, of the run that holds the lock. */
  readonly hasEnded?: HasEnded;
  /** Default: by hand. */
  readonly origin?: RunOrigin;
  /** Gets every event, in order; what it throws is ignored. */
  emit(event: RunEvent): void;
  readonly cancel?: CancelSignals;
  /** Makes plainer what a step failed with, at that moment: nothing is cleaned up yet. */
  explain?(error: SendenseError): SendenseError;
  /** Default: the schemas of the steps. */
  readonly validator?: StepValidator;
  readonly limits?: Partial<RunLimits>;
  /** Default: a new one. */
  readonly runId?: string;
  /** Default: what the clock says. Milliseconds since the epoch. */
  now?(): number;
  /** Default: Math.random. */
  random?(): number;
}

/**
 * How a run ended.
 *
 * Once a run has published (the publish step is done), nothing undoes its result. A step that fails after that and is not
 * marked `afterPublish: 'failure'` is only a warning: status `succeeded`, exit code 3. One that is (commands of the
 * plan) makes the run `failed` with its own exit code, and the result still holds the backup id.
 */
export interface RunOutcome {
  readonly runId: string;
  readonly status: 'succeeded' | 'failed' | 'cancelled';
  readonly exitCode: number;
  /** The values of the pipeline's `result`; null where they could not be known. */
  readonly result: Readonly<Record<string, unknown>>;
  /** The first cause. */
  readonly error: SendenseError | null;
  /** What could not be cleaned up. */
  readonly undoErrors: readonly SendenseError[];
  readonly warnings: readonly string[];
  readonly published: boolean;
}
