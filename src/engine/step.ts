import type { PlannedEffect } from '../schemas/types.ts';

/** What identifies the run to its steps; all of it is in the journal. */
export interface RunFacts {
  readonly runId: string;
  readonly stepId: string;
  /** Start of the run, milliseconds since the epoch. */
  readonly startedAt: number;
  readonly planName: string;
  /** Folder against which relative paths of the plan count. */
  readonly planFolder: string;
}

/** Progress of one disk. Bytes; rate in bytes per second. */
export interface DiskProgress {
  readonly disk: string;
  readonly phase: string;
  readonly bytes_done: number;
  readonly bytes_total: number;
  readonly rate: number;
}

/** How far a step is that works on many things, one after the other. */
export interface OverallProgress {
  readonly done: number;
  /** Of those that are done. */
  readonly failed: number;
  readonly total: number;
  /** ms; null where it cannot be told yet. */
  readonly left_ms: number | null;
}

/** What every step gets to act with. `S` is the bag of services that the hub composes (`src/steps/services.ts`). */
export interface StepContext<S> extends RunFacts {
  readonly services: S;
  /** Aborts on cancel, timeout and stall; its reason is the SendenseError to end with. */
  readonly signal: AbortSignal;
  /** What the step holds open; closed newest first when the run ends, however it ends. */
  readonly scope: AsyncDisposableStack;
  /** Reports progress. Also tells the stall watch that the step lives, when bytes_done grew or a phase changed. */
  progress(disks: readonly DiskProgress[], overall?: OverallProgress): void;
  /** Tells the stall watch that the step lives where no bytes move: what it waits for has a time limit of its own. */
  alive(): void;
  log(message: string): void;
  /** A line for the user that also ends the run with exit code 3 when all else went well. */
  warn(message: string): void;
  /**
   * Makes a fact durable in the journal before the call returns, for undo and recovery: the identity of a process that
   * was started, a job's id. Overwrites an earlier fact of the same name of this step.
   */
  remember(name: string, value: unknown): void;
  /** What this attempt and those before it have remembered. */
  readonly remembered: Readonly<Record<string, unknown>>;
}

/** What undo gets: a fresh signal with a time limit, and what the step remembered. */
export interface UndoContext<S> extends RunFacts {
  readonly services: S;
  readonly signal: AbortSignal;
  readonly remembered: Readonly<Record<string, unknown>>;
  /** Whether it is known that the run has published its result. */
  readonly isPublished: boolean;
  log(message: string): void;
  /** What stays on purpose, and the way out: the user is told at the end. */
  warn(message: string): void;
}

export interface PlanContext<S> extends RunFacts {
  readonly services: S;
  readonly signal: AbortSignal;
}

/** The answer of `plan()`: effects that would happen, remarks, what is only known later, and the output as far as it is known. */
export interface StepPreview {
  readonly effects: readonly PlannedEffect[];
  readonly notes?: readonly string[];
  readonly unknown?: readonly string[];
  /** Stands in for the output when later steps are previewed; undefined when nothing can be said. */
  readonly output?: unknown;
}

/**
 * A step is a value. Input and output are checked against `schemas/steps/<uses>.json`.
 * @typeParam S services, I input, C claim (plain JSON), O output (plain JSON)
 */
export interface StepDefinition<S, I = unknown, C = unknown, O = unknown> {
  /** `<family>.<verb>` */
  readonly uses: string;
  /** A few words for the view: "Allocate NBD ports". */
  readonly title: string;
  /** Pure: decides names and ids from the input and the run's facts. Journalled before `run` is called. */
  claim(input: I, facts: RunFacts): C;
  /** Without effects: what would happen. */
  plan(context: PlanContext<S>, input: I): Promise<StepPreview>;
  /** As `plan`, where some inputs are only known later and so are missing. Without it such a step shows no effects. */
  planPartly?(context: PlanContext<S>, input: Partial<I>): Promise<StepPreview>;
  /** Idempotent: called again with the same claim after a retry. */
  run(context: StepContext<S>, input: I, claim: C): Promise<O>;
  /** Removes what `run` leaves behind; takes the claim, never the output; "nothing there" is success. */
  undo?(context: UndoContext<S>, claim: C): Promise<void>;
  /** How long it may take to end after its signal aborted, ms, where that is more than the engine's limit. */
  readonly grace?: number;
  /**
   * `result`: what the step leaves is part of the result and stays once the run has published (files of the restore
   * point). `temporary` (default): undone on every failure, also after the publish point (leases, jobs).
   */
  readonly leaves?: 'result' | 'temporary';
  /**
   * What it means that the step fails once the run has published: `warning` (default: the restore point is there, exit
   * code 3) or `failure` (commands of the plan: the run failed, though its result stays).
   */
  readonly afterPublish?: 'warning' | 'failure';
  /** Only the step that is the publish point: whether its claim has become durable. Asked after a failure or crash. */
  published?(context: UndoContext<S>, claim: C): Promise<boolean>;
}

/** A step of any input, as the registry holds it. */
// oxlint-disable-next-line no-explicit-any -- the registry holds steps of every input; the engine checks by schema
export type AnyStep<S> = StepDefinition<S, any, any, any>;

export type StepRegistry<S> = ReadonlyMap<string, AnyStep<S>>;
