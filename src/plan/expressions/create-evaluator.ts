import { SendenseError } from '../../errors/sendense-error.ts';
// Types only: plan/ implements the engine's interface, and the hub brings the two together.
import type { Evaluator, Scope } from '../../engine/pipeline.ts';
import { evaluateCondition, evaluateValue } from './evaluate-expression.ts';
import { asksForState, type Expression } from './expression.ts';
import { parseExpression } from './parse-expression.ts';
import { conditionSource, isTemplate, templateParts } from './template.ts';
import { typeOfValue, typeWords } from '../../errors/findings/words.ts';

/** The evaluator of expressions. Values that it gives are copies: who gets one may change it. */
export function createEvaluator(): Evaluator {
  return {
    value: (value, scope) => copy(value, scope),
    condition(text, scope) {
      const tree = parseExpression(conditionSource(text).source, 'condition');
      if (scope.outcome !== 'success' && !asksForState(tree)) return false;
      return evaluateCondition(tree, scope);
    },
  };
}

function copy(value: unknown, scope: Scope): unknown {
  if (typeof value === 'string') return isTemplate(value) ? expand(value, scope) : value;
  if (Array.isArray(value)) return value.map((entry) => copy(entry, scope));
  if (typeof value !== 'object' || value === null) return value;
  if (isSecret(value)) return structuredClone(value);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, copy(entry, scope)]));
}

/** `{ secret: { … } }` is opaque: nothing in it is an expression. */
export const isSecret = (value: object): boolean => {
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0] === 'secret' && typeof (value as { secret: unknown }).secret === 'object';
};

function expand(text: string, scope: Scope): unknown {
  const parts = templateParts(text);
  const only = parts[0];
  if (parts.length === 1 && only?.type === 'expression')
    return structuredClone(evaluateValue(parse(only.source), scope));
  return parts
    .map((part) => (part.type === 'text' ? part.text : asText(evaluateValue(parse(part.source), scope), part.source)))
    .join('');
}

const parse = (source: string): Expression => parseExpression(source, 'value');

function asText(value: unknown, source: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new SendenseError(
    'plan.invalid',
    `\${{${source}}} is ${value === null ? 'null' : typeWords([typeOfValue(value)])} and cannot stand inside a text`,
    {
      remedy:
        value === null
          ? "Say what to use instead: default(…, '')."
          : 'Let the expression be the whole value, or refer to something inside it.',
    },
  );
}
