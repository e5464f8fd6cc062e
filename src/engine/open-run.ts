import type { Said, BegunStep } from './begun-step.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import { cancelledBy } from './install-signals.ts';
import type { Scope } from './pipeline.ts';
import { newRunId } from './run-id.ts';
import { defaultLimits, type RunLimits, type RunOptions } from './run-options.ts';
import type { RunFacts } from './step.ts';
import { schemaValidator, type StepValidator } from './step-validator.ts';

/** One run while it goes on: what the parts of the engine share. */
export interface Run<S> {
  readonly options: RunOptions<S>;
  readonly id: string;
  readonly startedAt: number;
  readonly limits: RunLimits;
  readonly validator: StepValidator;
  readonly gently: AbortSignal;
  readonly atOnce: AbortSignal;
  readonly outputs: Record<string, unknown>;
  /** Oldest first. */
  readonly begun: BegunStep<S>[];
  readonly warnings: string[];
  readonly undoErrors: SendenseError[];
  published: boolean;
  /** Whether it published could not be found out: nothing of its result is touched. */
  publishedInDoubt: boolean;
  now(): number;
  random(): number;
  say(event: Said): void;
  facts(stepId: string): RunFacts;
  /** Roots of expressions. */
  values(outcome: Scope['outcome']): Scope;
  /** After this nothing is said any more. */
  close(): void;
}

/** The same signal, its reason surely a `run.cancelled`, whatever the caller gave. */
function cancelSignal(given: AbortSignal | undefined, runEnds: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    const reason: unknown = given?.reason;
    controller.abort(reason instanceof SendenseError ? reason : cancelledBy('the caller'));
  };
  if (given?.aborted) abort();
  else given?.addEventListener('abort', abort, { once: true, signal: runEnds });
  return controller.signal;
}

export function openRun<S>(options: RunOptions<S>): Run<S> {
  const { pipeline } = options;
  const now = options.now ?? Date.now;
  const startedAt = now();
  const id = options.runId ?? newRunId(startedAt);
  const outputs: Record<string, unknown> = {};
  const runEnds = new AbortController();
  return {
    options,
    id,
    startedAt,
    limits: { ...defaultLimits, ...options.limits },
    validator: options.validator ?? schemaValidator,
    gently: cancelSignal(options.cancel?.gently, runEnds.signal),
    atOnce: cancelSignal(options.cancel?.atOnce, runEnds.signal),
    outputs,
    begun: [],
    warnings: [],
    undoErrors: [],
    published: false,
    publishedInDoubt: false,
    now,
    random: options.random ?? Math.random,
    say(event) {
      if (runEnds.signal.aborted) return;
      try {
        options.emit({ ...event, time: now(), run_id: id });
      } catch {
        // Who watches must not be able to break what is watched.
      }
    },
    facts: (stepId) => ({
      runId: id,
      stepId,
      startedAt,
      planName: pipeline.name,
      planFolder: pipeline.folder,
    }),
    values: (outcome) => ({ plan: pipeline.plan, run: { id, started: startedAt }, steps: outputs, outcome }),
    close: () => runEnds.abort(),
  };
}
