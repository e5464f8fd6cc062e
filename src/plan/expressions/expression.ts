import { SendenseError } from '../../errors/sendense-error.ts';
import type { RuleId } from '../../errors/findings/rules.ts';

/** One step of a path: a key or an index. Offsets count from the start of the expression's text. */
export interface Segment {
  readonly name: string | number;
  readonly start: number;
  readonly end: number;
}

export const operators = ['==', '!=', '<=', '>=', '<', '>'] as const;
export type Operator = (typeof operators)[number];

/** Functions about the state of the run, for `if:` only. */
export const conditionFunctions = ['success', 'failure', 'always', 'cancelled'] as const;
export type ConditionFunction = (typeof conditionFunctions)[number];

/** The closed grammar of `${{ }}` and `if:`; see docs/expressions.md. */
export type Expression = { readonly start: number; readonly end: number } & (
  | { readonly type: 'literal'; readonly value: string | number | boolean | null }
  | { readonly type: 'path'; readonly root: string; readonly segments: readonly Segment[] }
  | { readonly type: 'default'; readonly first: Expression; readonly second: Expression }
  | { readonly type: 'state'; readonly name: ConditionFunction }
  | { readonly type: 'not'; readonly operand: Expression }
  | { readonly type: 'compare'; readonly operator: Operator; readonly left: Expression; readonly right: Expression }
  | { readonly type: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
);

/** What is wrong with an expression, with the part of its text that is to blame. */
export function expressionError(
  rule: RuleId,
  message: string,
  span: { readonly start: number; readonly end: number },
  extra: { allowed?: readonly string[]; suggestion?: string | null; remedy?: string } = {},
): SendenseError {
  return new SendenseError('plan.invalid', message, { details: { ...extra, rule, start: span.start, end: span.end } });
}

/** Every path in an expression. */
export function pathsIn(expression: Expression): Extract<Expression, { type: 'path' }>[] {
  switch (expression.type) {
    case 'path':
      return [expression];
    case 'default':
      return [...pathsIn(expression.first), ...pathsIn(expression.second)];
    case 'not':
      return pathsIn(expression.operand);
    case 'compare':
    case 'and':
    case 'or':
      return [...pathsIn(expression.left), ...pathsIn(expression.right)];
    default:
      return [];
  }
}

/** Every path in an expression for which nothing is said where it leads to no value. */
export function pathsWithoutDefault(expression: Expression): Extract<Expression, { type: 'path' }>[] {
  if (expression.type === 'default') return pathsWithoutDefault(expression.second);
  return expression.type === 'path' ? [expression] : [];
}

/** Whether a condition asks for the state of the run other than by success(). */
export function asksForState(expression: Expression): boolean {
  switch (expression.type) {
    case 'state':
      return expression.name !== 'success';
    case 'not':
      return asksForState(expression.operand);
    case 'compare':
    case 'and':
    case 'or':
      return asksForState(expression.left) || asksForState(expression.right);
    default:
      return false;
  }
}
