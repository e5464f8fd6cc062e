import type { Run } from './open-run.ts';
import type { Scope } from './pipeline.ts';

/** The values of the pipeline's `result`; what refers to a step that did not come that far is null. */
export function evaluateResult<S>(run: Run<S>, outcome: Scope['outcome']): Record<string, unknown> {
  const { pipeline, evaluator } = run.options;
  const values = run.values(outcome);
  const known = (value: unknown): unknown => {
    try {
      return evaluator.value(value, values) ?? null;
    } catch {
      return null;
    }
  };
  return Object.fromEntries(Object.entries(pipeline.result).map(([name, value]) => [name, known(value)]));
}
