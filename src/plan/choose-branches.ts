import { branchesOf, propertiesOf, requiredOf, typesOf, type SchemaNode } from './diagnostics/schema-node.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const inSchemas = ['items', 'additionalProperties', 'propertyNames', 'not', 'if', 'then', 'else'];
const inLists = ['oneOf', 'anyOf', 'allOf'];
const inNames = ['properties', 'patternProperties', '$defs'];

/**
 * The same schema, for other validators: `if` and `then` say which branch of a `oneOf` or `anyOf` counts, wherever a value tells by a
 * property (`kind`), by its type, or by a key that it has. A validator then names what is wrong in that branch; of a `oneOf` it can
 * only say that no branch fits. `discriminator` goes: it is ajv's and OpenAPI's, not of JSON Schema.
 * @param file below `schemas/` in which it stands
 */
export function chooseBranches(schema: unknown, file: string): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  const own = schema as Schema;
  const inner = Object.entries(own).map(([key, value]): [string, unknown] => {
    if (inSchemas.includes(key)) return [key, chooseBranches(value, file)];
    if (inLists.includes(key)) return [key, (value as unknown[]).map((one) => chooseBranches(one, file))];
    if (!inNames.includes(key)) return [key, value];
    const named = Object.entries(value as Schema).map(([name, one]) => [name, chooseBranches(one, file)]);
    return [key, Object.fromEntries(named)];
  });
  const same = Object.fromEntries(inner);
  const keyword = ['oneOf', 'anyOf'].find((key) => key in own);
  if (keyword === undefined) return same;
  const { [keyword]: written, discriminator, ...rest } = same;
  const nodes = branchesOf({ schema: { anyOf: own[keyword] }, file });
  const branches = nodes.map((node, at) => ({ node, schema: (written as unknown[])[at] }));
  if (discriminator !== undefined)
    return byTag(rest, (discriminator as { propertyName: string }).propertyName, branches);
  return byType(rest, branches) ?? byKey(rest, branches) ?? same;
}

interface Branch {
  /** What it says, references followed. */
  readonly node: SchemaNode;
  /** As it stands there. */
  readonly schema: unknown;
}

// oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
const when = (condition: Schema, schema: unknown): Schema => ({ if: condition, then: schema });

/** The allowed values stand beside the branches, so that an unknown one is named, too, and editors offer them. */
function byTag(rest: Schema, tag: string, branches: readonly Branch[]): Schema {
  const valueOf = ({ node }: Branch): unknown => (propertiesOf(node)[tag] as Schema)['const'];
  return {
    ...rest,
    properties: { [tag]: { enum: branches.map(valueOf) }, ...(rest['properties'] as Schema | undefined) },
    required: [...new Set([...requiredOf({ schema: rest, file: '' }), tag])],
    allOf: branches.map((branch) =>
      when({ properties: { [tag]: { const: valueOf(branch) } }, required: [tag] }, branch.schema),
    ),
  };
}

/**
 * The last branch is an `else`: editors complete its keys where nothing stands yet.
 * @returns null where two branches have a type in common
 */
function byType(rest: Schema, branches: readonly Branch[]): Schema | null {
  const types = branches.map(({ node }) => typesOf(node) ?? []);
  const all = types.flat();
  if (types.some((own) => own.length === 0) || new Set(all).size < all.length) return groupsByType(rest, branches);
  // A plain value has no parts: whatever is wrong with it is said of itself. Mappings and lists come last.
  const order = types.map((own, at) => ({ own, at })).toSorted((a, b) => rank(a.own) - rank(b.own));
  if (!all.some((type) => type === 'object' || type === 'array')) return null;
  const chain = order.reduceRight<Schema | null>((otherwise, { own, at }) => {
    const branch = branches[at]?.schema as Schema;
    return otherwise === null ? branch : { ...when({ type: oneOrAll(own) }, branch), else: otherwise };
  }, null);
  return { type: oneOrAll(all), ...rest, ...chain };
}

const rank = (types: readonly string[]): number => (types.includes('object') ? 2 : types.includes('array') ? 1 : 0);
const oneOrAll = (types: readonly string[]): string | readonly string[] =>
  types.length === 1 ? (types[0] ?? '') : types;

/** Several mappings beside plain values: first the type, then the key. */
function groupsByType(rest: Schema, branches: readonly Branch[]): Schema | null {
  const isObject = ({ node }: Branch): boolean => typesOf(node)?.join() === 'object';
  const [objects, others] = [branches.filter(isObject), branches.filter((branch) => !isObject(branch))];
  if (objects.length < 2 || others.length === 0) return null;
  const chosen = byKey({}, objects);
  if (chosen === null) return null;
  return byType(rest, [
    ...others,
    { node: { schema: { type: 'object' }, file: '' }, schema: { type: 'object', ...chosen } },
  ]);
}

/** Mappings of which each needs a key that no other may have. */
function byKey(rest: Schema, branches: readonly Branch[]): Schema | null {
  const keys = branches.map(({ node }) =>
    requiredOf(node).find((key) =>
      branches.every((other) => other.node === node || !(key in propertiesOf(other.node))),
    ),
  );
  if (
    rest['properties'] ||
    keys.includes(undefined) ||
    branches.some(({ node }) => node.schema['additionalProperties'] !== false)
  )
    return null;
  const names = (keyword: string): Schema =>
    Object.fromEntries(
      branches.flatMap(({ node }) => Object.keys(node.schema[keyword] ?? {})).map((name) => [name, {}]),
    );
  return {
    ...rest,
    // So that a key that none of them has is named.
    properties: names('properties'),
    patternProperties: names('patternProperties'),
    additionalProperties: false,
    anyOf: keys.map((key) => ({ required: [key] })),
    allOf: branches.map(({ schema }, at) => when({ required: [keys[at]] }, schema)),
  };
}
