import { SendenseError } from '../../errors/sendense-error.ts';
import type { Scope } from '../../engine/pipeline.ts';
import type { Expression } from './expression.ts';
import { shown, typeOfValue, typeWords } from '../../errors/findings/words.ts';

/** A reference that leads nowhere, and why: the key is missing, or the step did not run. */
interface Missing {
  readonly skipped: string | null;
}

type Outcome = { readonly value: unknown } | { readonly missing: Missing };

/**
 * The value of an expression. What is missing is null; a reference to a step that did not run throws `plan.invalid`,
 * except inside default(), and in a condition, where it is null too.
 */
export function evaluateValue(expression: Expression, scope: Scope): unknown {
  const outcome = outcomeOf(expression, scope);
  if ('value' in outcome) return outcome.value;
  const { skipped } = outcome.missing;
  if (skipped === null) return null;
  throw new SendenseError('plan.invalid', `the step ${shown(skipped)} did not run, so it has no output`, {
    remedy: `Give a value to use instead: default(steps.${skipped}.…, null).`,
  });
}

function outcomeOf(expression: Expression, scope: Scope): Outcome {
  switch (expression.type) {
    case 'literal':
      return { value: expression.value };
    case 'path':
      return follow(expression, scope);
    case 'default': {
      const first = outcomeOf(expression.first, scope);
      return 'value' in first && first.value !== null ? first : outcomeOf(expression.second, scope);
    }
    default:
      return { value: evaluateCondition(expression, scope) };
  }
}

function follow(path: Extract<Expression, { type: 'path' }>, scope: Scope): Outcome {
  const roots: Readonly<Record<string, unknown>> = { plan: scope.plan, run: scope.run, steps: scope.steps };
  if (!Object.hasOwn(roots, path.root))
    throw new SendenseError('plan.invalid', `a reference cannot begin with ${shown(path.root)}`);
  let at = roots[path.root];
  for (const [index, segment] of path.segments.entries()) {
    const next = own(at, segment.name);
    if (next === undefined) {
      const skipped = path.root === 'steps' && index === 0 ? String(segment.name) : null;
      return { missing: { skipped } };
    }
    at = next;
  }
  return at === undefined ? { missing: { skipped: null } } : { value: at };
}

/** Own keys of plain objects and entries of lists; never a prototype, never `length`. */
function own(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) return typeof key === 'number' ? (value[key] as unknown) : undefined;
  return Object.hasOwn(value, key) ? (value as Record<string | number, unknown>)[key] : undefined;
}

/** True or false. `&&` and `||` stop early. Null counts as false; anything else that is not a truth value throws. */
export function evaluateCondition(expression: Expression, scope: Scope): boolean {
  switch (expression.type) {
    case 'and':
      return evaluateCondition(expression.left, scope) && evaluateCondition(expression.right, scope);
    case 'or':
      return evaluateCondition(expression.left, scope) || evaluateCondition(expression.right, scope);
    case 'not':
      return !evaluateCondition(expression.operand, scope);
    case 'state':
      return expression.name === 'always' || expression.name === scope.outcome;
    case 'compare':
      return compare(expression.operator, operand(expression.left, scope), operand(expression.right, scope));
    default: {
      const value = operand(expression, scope);
      if (typeof value === 'boolean') return value;
      if (value === null) return false;
      throw new SendenseError(
        'plan.invalid',
        `a condition must be true or false, not ${typeWords([typeOfValue(value)])}`,
      );
    }
  }
}

function operand(expression: Expression, scope: Scope): unknown {
  const outcome = outcomeOf(expression, scope);
  return 'value' in outcome ? outcome.value : null;
}

function compare(operator: string, left: unknown, right: unknown): boolean {
  for (const side of [left, right]) {
    if (typeof side === 'object' && side !== null)
      throw new SendenseError('plan.invalid', `${typeWords([typeOfValue(side)])} cannot be compared`);
  }
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left !== typeof right || (typeof left !== 'number' && typeof left !== 'string')) {
    throw new SendenseError('plan.invalid', `${shown(left)} and ${shown(right)} have no order`, {
      remedy: 'Compare two numbers or two texts.',
    });
  }
  const [a, b] = [left as number, right as number];
  return operator === '<' ? a < b : operator === '<=' ? a <= b : operator === '>' ? a > b : a >= b;
}
