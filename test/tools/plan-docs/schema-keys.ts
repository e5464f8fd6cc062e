import {
  branchesOf,
  childOf,
  itemOf,
  planKinds,
  propertiesOf,
  requiredOf,
  schemaNode,
  typesOf,
  type SchemaNode,
} from '../../../src/plan/diagnostics/schema-node.ts';

/** A key that a plan, the settings or a part of them may have. */
export interface Key {
  /** `vm.source.disks`, `blackout[].from`, `repositories.<name>.path` */
  readonly path: string;
  /** With what the key itself says of its value (a description, a default) in place of what the definition says. */
  readonly node: SchemaNode;
  readonly required: boolean;
  /** As the schema has it, `$ref` not followed. */
  readonly written: Readonly<Record<string, unknown>>;
  /** Of one of several forms that a mapping may have: all keys of that form, by path. Other forms may have keys of the same names. */
  readonly form?: ReadonlyMap<string, Key>;
}

/** Definitions of common.json that have a table of their own wherever they are used. */
const parts = ['imageDisk', 'command', 'step', 'retry', 'dataPath', 'notifyEntry', 'vmMatch', 'secret'];

/** Mappings of the settings whose values are of one of several types, each with a table of its own. */
const variants = [
  { name: 'node', at: 'nodes.<name>', tag: 'mode' },
  { name: 'source', at: 'sources.<name>', tag: 'type' },
  { name: 'channel', at: 'notify.channels.<name>', tag: 'type' },
];

function typesOfVariant({ name, at, tag }: (typeof variants)[number]): (readonly [string, SchemaNode])[] {
  const steps = at.split('.').map((step) => (step === '<name>' ? 'additionalProperties' : `properties/${step}`));
  const branches = branchesOf(schemaNode(`settings.json#/${steps.join('/')}`));
  return branches.map((branch) => [`${name}:${String(childOf(branch, tag)?.schema['const'])}`, branch]);
}

/** Every schema whose keys the pages describe, by the name that pages use: `backup`, `imageDisk`, `channel:email`. */
export const roots: ReadonlyMap<string, SchemaNode> = new Map([
  ...planKinds().map((kind) => [kind, schemaNode(`plans/${kind}.json`)] as const),
  ['settings', schemaNode('settings.json')] as const,
  ...parts.map((part) => [part, schemaNode(`common.json#/$defs/${part}`)] as const),
  ...variants.flatMap(typesOfVariant),
]);

/** All keys of a root by their path, in the order of the schema; those of parts and variants are left out. */
export const keysOfRoot = (name: string): ReadonlyMap<string, Key> => {
  const root = roots.get(name);
  if (!root) throw new Error(`there is no schema ${name}; there are ${[...roots.keys()].join(', ')}`);
  return new Map(
    keysOf(root, '')
      .toReversed()
      .map((key) => [key.path, key] as const)
      .toReversed(),
  );
};

function keysOf(at: SchemaNode, prefix: string): Key[] {
  const branches = ownBranches(at).map((branch) => keysOf(branch, prefix));
  const keys = branches.filter((branch) => branch.length > 0).length < 2 ? branches.flat() : branches.flatMap(formOf);
  for (const [name, value] of Object.entries(propertiesOf(at))) {
    const node = childOf(at, name);
    if (!node) continue;
    const written = value as Record<string, unknown>;
    const path = prefix === '' ? name : `${prefix}.${name}`;
    const merged = { ...node, schema: { ...node.schema, ...written, $ref: undefined } };
    keys.push({ path, node: merged, required: requiredOf(at).includes(name), written });
    if (!isPart(written)) keys.push(...keysBelow(node, path));
  }
  return keys;
}

/** The keys of one of several forms that a mapping may have. */
function formOf(keys: readonly Key[]): Key[] {
  const optional = keys.map((key) => ({ ...key, required: false }));
  const form = new Map(optional.map((key) => [key.path, key] as const));
  return optional.map((key) => ({ form, ...key }));
}

const keysBelow = (node: SchemaNode, path: string): Key[] => [
  ...keysOfItems(node, path),
  ...keysOf(node, path),
  ...keysOfNamed(node, path),
];

function keysOfItems(node: SchemaNode, path: string): Key[] {
  const list = [node, ...ownBranches(node)].find(({ schema }) => schema['items']);
  if (!list || !typesOf(list)?.includes('array') || isPart(list.schema['items'])) return [];
  return keysOf(itemOf(list), `${path}[]`);
}

/** Of a mapping whose keys are names that the user chooses. */
function keysOfNamed(node: SchemaNode, path: string): Key[] {
  const values = node.schema['additionalProperties'];
  const named = `${path}.<name>`;
  if (typeof values !== 'object' || variants.some(({ at }) => at === named)) return [];
  const child = childOf(node, 'any-name');
  return child && !isPart(values) ? keysBelow(child, named) : [];
}

const ownBranches = (at: SchemaNode): SchemaNode[] => {
  const written = [at.schema['oneOf'], at.schema['anyOf']].flatMap((list) => (Array.isArray(list) ? list : []));
  return branchesOf(at).filter((_branch, index) => !isPart(written[index]));
};

const isPart = (written: unknown): boolean => parts.includes(definitionOf(written) ?? '');

/** `{ "$ref": "common.json#/$defs/age" }` -> `age` */
export const definitionOf = (written: unknown): string | undefined =>
  /#\/\$defs\/(\w+)$/.exec(String((written as { $ref?: unknown } | undefined)?.$ref))?.[1];
