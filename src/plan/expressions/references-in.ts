import { asksForState, pathsIn, type Expression } from './expression.ts';
import { parseExpression } from './parse-expression.ts';
import { conditionSource, isTemplate, templateParts } from './template.ts';

type Reference = Extract<Expression, { type: 'path' }>;

/** Of mappings and lists, which are not changed once they are loaded: the steps of a runner serve many plans. */
const known = new WeakMap<object, Reference[]>();

/** Every reference in a value, however deep; expressions that cannot be parsed have none (and a diagnostic of their own). */
export function referencesIn(value: unknown): Reference[] {
  if (typeof value === 'string') return isTemplate(value) ? quietly(() => templateReferences(value)) : [];
  if (typeof value !== 'object' || value === null) return [];
  let found = known.get(value);
  if (!found) known.set(value, (found = Object.values(value).flatMap(referencesIn)));
  return found;
}

export const conditionReferences = (text: string): Reference[] =>
  quietly(() => pathsIn(parseExpression(conditionSource(text).source, 'condition')));

/** Whether a step with this condition may run after one that failed; one that cannot be parsed has a diagnostic of its own. */
export function conditionAsksForState(text: string): boolean {
  try {
    return asksForState(parseExpression(conditionSource(text).source, 'condition'));
  } catch {
    return false;
  }
}

const templateReferences = (text: string): Reference[] =>
  templateParts(text).flatMap((part) =>
    part.type === 'expression' ? pathsIn(parseExpression(part.source, 'value')) : [],
  );

function quietly(parse: () => Reference[]): Reference[] {
  try {
    return parse();
  } catch {
    return [];
  }
}
