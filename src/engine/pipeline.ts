import type { Position } from '../errors/sendense-error.ts';

/** Durations in milliseconds. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly delay: number;
  readonly maxDelay: number;
}

/** One step of an expanded plan. `with` still holds expressions. */
export interface PipelineStep {
  readonly id: string;
  readonly uses: string;
  readonly with: Record<string, unknown>;
  /** Condition as written, without `${{ }}`; undefined means `success()`. */
  readonly if?: string;
  readonly timeout?: number;
  readonly stallTimeout?: number;
  readonly retry: RetryPolicy;
  /** Where the step stands: in the plan where it brings its own, else the line of the plan that chose the runner (`kind:`). */
  readonly position: Position;
  /** Where the plan names the node, if the step has one and the plan names it: that is what errors of the node are about. */
  readonly nodePosition?: Position;
}

/** Where an error of a step points. */
export const positionOf = ({ position, nodePosition }: PipelineStep, code: string): Position =>
  nodePosition && /^(?:node|ssh|link)\./.test(code) ? nodePosition : position;

/** What plan/ hands to engine/: everything that a run needs to know, and nothing else. */
export interface Pipeline {
  readonly name: string;
  readonly kind: string;
  readonly vm: string;
  readonly file: string;
  /** Folder against which relative paths count. */
  readonly folder: string;
  /** The plan with defaults filled in: root `plan` of expressions. */
  readonly plan: Record<string, unknown>;
  readonly steps: readonly PipelineStep[];
  /** Values of the run's result, as expressions. */
  readonly result: Record<string, unknown>;
}

/** Roots of expressions at run time. */
export interface Scope {
  readonly plan: unknown;
  readonly run: { readonly id: string; readonly started: number };
  /** Outputs by step id. */
  readonly steps: Readonly<Record<string, unknown>>;
  readonly outcome: 'success' | 'failure' | 'cancelled';
}

/** How the engine evaluates, given to it by who composes it (plan/ implements it), so that siblings stay apart. */
export interface Evaluator {
  /** Every `${{ }}` in a value replaced; a reference to a step that was skipped throws `plan.invalid`. */
  value(value: unknown, scope: Scope): unknown;
  condition(text: string, scope: Scope): boolean;
}
