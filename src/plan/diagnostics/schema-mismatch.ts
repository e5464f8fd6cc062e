import { branchesOf, childOf, itemOf, propertiesOf, requiredOf, typesOf, type SchemaNode } from './schema-node.ts';
import { orList, shown, typeWords } from '../../errors/findings/words.ts';

/**
 * Why no value of `given` can ever be a value of `wanted`, or null. Says nothing where only some values would not do:
 * a text of any form is let through where one of a certain form is wanted.
 */
export function mismatch(given: SchemaNode, wanted: SchemaNode, depth = 0): string | null {
  if (given.schema === wanted.schema || depth > 12) return null;
  const givenBranches = alternatives(given);
  if (givenBranches) return firstOfAll(givenBranches.map((branch) => mismatch(branch, wanted, depth + 1)));
  const wantedBranches = alternatives(wanted);
  if (wantedBranches) return firstOfAll(wantedBranches.map((branch) => mismatch(given, branch, depth + 1)));

  const from = typesOf(given);
  const to = typesOf(wanted);
  if (!from || !to) return null;
  const shared = from.filter(
    (type) =>
      to.includes(type) ||
      (type === 'integer' && to.includes('number')) ||
      (type === 'number' && to.includes('integer')),
  );
  if (shared.length === 0) return `it is ${typeWords(from)}, and ${typeWords(to)} is wanted`;
  if (shared.length < from.length) return null;

  const choices = choicesOf(wanted);
  const offered = choicesOf(given);
  if (choices && offered && !offered.some((value) => choices.includes(value))) {
    return `it is ${orList(offered.map(shown))}, and ${orList(choices.map(shown))} is wanted`;
  }
  if (shared.includes('object')) return objectMismatch(given, wanted, depth);
  if (shared.includes('array') && !('const' in given.schema)) {
    const why = mismatch(itemOf(given), itemOf(wanted), depth + 1);
    return why && why.replace(/^it /, 'each of its entries ');
  }
  return null;
}

function objectMismatch(given: SchemaNode, wanted: SchemaNode, depth: number): string | null {
  for (const key of requiredOf(wanted)) {
    if (!childOf(given, key)) return `it has no ${shown(key)}`;
  }
  for (const key of Object.keys(propertiesOf(given))) {
    const target = childOf(wanted, key);
    if (!target) return `it has ${shown(key)}, which is not wanted`;
    const source = childOf(given, key);
    const why = source && requiredOf(given).includes(key) ? mismatch(source, target, depth + 1) : null;
    if (why) return why.replace(/^it /, `its ${shown(key)} `);
  }
  return null;
}

function alternatives(at: SchemaNode): SchemaNode[] | undefined {
  const branches = branchesOf(at);
  return branches.length > 0 && !at.schema['properties'] ? branches : undefined;
}

/** Null where one of them is null (something fits), else the first reason. */
const firstOfAll = (reasons: readonly (string | null)[]): string | null =>
  reasons.includes(null) ? null : (reasons[0] ?? null);

function choicesOf({ schema }: SchemaNode): unknown[] | undefined {
  if ('const' in schema)
    return typeof schema['const'] === 'object' && schema['const'] !== null ? undefined : [schema['const']];
  return Array.isArray(schema['enum']) ? (schema['enum'] as unknown[]) : undefined;
}
