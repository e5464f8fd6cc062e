import type { ErrorOutput, ProcessIdentity } from '../schemas/types.ts';
import type { StepEvent } from './step-transitions.ts';

/** What began a run. */
export interface RunOrigin {
  /** `command`: no plan of a file, but what a command made of its options. */
  readonly trigger: 'manual' | 'command' | 'schedule' | 'timer' | 'catch-up' | 'backfill' | 'group';
  /** The slot of the schedule that it is for, milliseconds since the epoch. */
  readonly slot?: number | undefined;
  /** The run of the group that it belongs to. */
  readonly parentRun?: string | undefined;
}

export interface NewRun {
  readonly id: string;
  readonly plan: string;
  readonly kind: string;
  readonly vm: string;
  readonly planFile: string;
  readonly planFolder: string;
  readonly owner: ProcessIdentity;
  /** Milliseconds since the epoch. */
  readonly started: number;
  /** Held until the run has ended; null: the run needs none. */
  readonly lock: string | null;
  /** Default: by hand. */
  readonly origin?: RunOrigin | undefined;
  /** Names in the settings; null: the run has none. */
  readonly node?: string | null;
  readonly repository?: string | null;
}

export interface LockHolder {
  readonly name: string;
  readonly runId: string;
  readonly owner: ProcessIdentity;
  /** Whether the owner runs; a dead one's run has to be recovered, which releases the lock. */
  readonly alive: boolean;
  /** Milliseconds since the epoch. */
  readonly since: number;
}

export type StartedRun = { readonly started: true } | { readonly started: false; readonly holder: LockHolder };

export type JournalEntry =
  | {
      readonly event: 'started';
      readonly uses: string;
      /** Place in the pipeline, from 0. */
      readonly number: number;
      readonly attempt: number;
      /** Plain JSON. The first attempt's claim stays. */
      readonly claim: unknown;
    }
  | { readonly event: 'succeeded'; readonly output: unknown }
  | { readonly event: 'failed'; readonly error: ErrorOutput }
  | { readonly event: 'undo_started' }
  | { readonly event: 'undo_finished' }
  | { readonly event: 'undo_failed'; readonly error: ErrorOutput };

export interface JournalledStep {
  readonly stepId: string;
  readonly uses: string;
  readonly state: StepEvent;
  readonly claim: unknown;
  readonly remembered: Readonly<Record<string, unknown>>;
}

export interface JournalledRun {
  readonly id: string;
  readonly plan: string;
  readonly planFolder: string;
  readonly owner: ProcessIdentity;
  /** The pid namespace of the owner, where it cannot be looked for from here: another one of this machine. Null: it can. */
  readonly unseenIn: string | null;
  readonly started: number;
  /** False: the run ended, but something of it could not be cleaned up. */
  readonly open: boolean;
  readonly published: boolean;
}

export interface RunEnd {
  readonly status: 'succeeded' | 'failed' | 'cancelled' | 'crashed';
  readonly exitCode: number;
  /** Plain JSON. */
  readonly result: Readonly<Record<string, unknown>>;
  readonly error: ErrorOutput | null;
  readonly warnings: readonly string[];
  readonly published: boolean;
  /** Something could not be cleaned up; the next recovery tries again. */
  readonly unclean: boolean;
  /** What could not be cleaned up. */
  readonly undoErrors?: readonly ErrorOutput[];
  readonly finished: number;
}

/**
 * Where a run writes what it is about to do and what it did; `src/state/runs/create-journal.ts` keeps it in SQLite. Every
 * call is durable when it returns, and throws a SendenseError where it cannot be.
 */
export interface Journal {
  /** Run and lock together or, where another run holds the lock, neither. */
  startRun(run: NewRun): StartedRun;
  /** @throws SendenseError `run.internal` on a transition that `stepTransitions` does not allow */
  record(runId: string, stepId: string, entry: JournalEntry): void;
  /** Overwrites an earlier fact of that name of the step. */
  remember(runId: string, stepId: string, name: string, value: unknown): void;
  /** The run gives up and cleans up. */
  unwinding(runId: string): void;
  /** The end of a run, also of a recovered one: releases its lock and, where nothing was left, its ports. */
  finishRun(runId: string, end: RunEnd): void;
  /** Ends the recovery of a run that had ended before: what is left of it now. */
  finishRecovery(runId: string, unclean: boolean): void;
  /** Runs without an end and ended ones that are unclean, oldest first. */
  recoverableRuns(): JournalledRun[];
  /** Oldest first. */
  stepsOf(runId: string): JournalledStep[];
  /**
   * Takes a run for recovery; false where its owner lives, or cannot be looked for from here, a live process recovers it already, or nothing is
   * left to do. Atomic, between processes too.
   * @param hasEnded the owner, where it cannot be looked for, is known to have ended
   */
  claimRecovery(runId: string, by: ProcessIdentity, hasEnded?: boolean): boolean;
}
