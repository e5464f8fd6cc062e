import type { Path } from '../../errors/findings/finding.ts';
import type { Command, Runner, Step } from '../../schemas/types.ts';

/** A step as it is written, before its expressions are checked and its defaults filled in. */
export interface StepDraft {
  readonly id: string;
  /** Where it stands in the plan; empty for a step of the runner. */
  readonly path: Path;
  readonly from: 'plan' | 'runner';
  readonly written:
    | Step
    | (Command & { uses?: undefined; with?: undefined; stallTimeout?: undefined; retry?: undefined });
}

/**
 * `before`, the plan's own steps or the runner's, `after`. Ids default to before-1, step-1 and after-1, counted from 1.
 * A step of the runner that says `x-only-with: KEY` is only there where the plan has that key, or one of several;
 * `x-only-without: KEY` where it has not. `to.start` is a key within a key; one that is false is not there.
 * Of what is not a mapping only the place is kept, so that a plan with mistakes can be looked at too.
 */
export function stepDrafts(plan: { before?: unknown; steps?: unknown; after?: unknown }, runner: Runner): StepDraft[] {
  const listed = (name: 'before' | 'steps' | 'after', prefix: string): StepDraft[] =>
    (Array.isArray(plan[name]) ? (plan[name] as unknown[]) : []).map((entry, index) => {
      const written = (typeof entry === 'object' && entry !== null ? entry : {}) as StepDraft['written'];
      const id = typeof written.id === 'string' ? written.id : `${prefix}-${index + 1}`;
      return { id, path: [name, index], from: 'plan', written };
    });
  const steps: StepDraft[] = Array.isArray(plan.steps)
    ? listed('steps', 'step')
    : runner.steps.filter(isFor(plan)).map((written, index) => ({
        id: written.id ?? `step-${index + 1}`,
        path: [],
        from: 'runner',
        written,
      }));
  return [...listed('before', 'before'), ...steps, ...listed('after', 'after')];
}

const isFor =
  (plan: object) =>
  (step: Step): boolean => {
    const { 'x-only-with': wanted, 'x-only-without': unwanted } = step as Readonly<Record<string, unknown>>;
    const has = (key: unknown): boolean => isSaid(String(key).split('.').reduce(memberOf, plan));
    return (wanted === undefined || [wanted].flat().some(has)) && (unwanted === undefined || !has(unwanted));
  };

const memberOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined;

const isSaid = (value: unknown): boolean => value !== undefined && value !== false;
