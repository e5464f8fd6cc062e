import { readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { packageRoot, schemaOf } from '../../schemas/validator.ts';

/** A place in a JSON schema, with `$ref` followed. Schemas of `schemas/` and schemas made on the fly (`{ const: 3 }`). */
export interface SchemaNode {
  readonly schema: Readonly<Record<string, unknown>>;
  /** File below `schemas/` that relative references count from. */
  readonly file: string;
}

const files = new Map<string, Record<string, unknown>>();

function fileOf(name: string): Record<string, unknown> {
  let schema = files.get(name);
  if (!schema) files.set(name, (schema = schemaOf(name)));
  return schema;
}

/** `plans/backup.json`, `steps/nbd.serve.json#/properties/output` */
export function schemaNode(name: string): SchemaNode {
  const [file = '', pointer = ''] = name.split('#');
  let at: unknown = fileOf(file);
  for (const part of pointer.split('/').slice(1)) at = (at as Record<string, unknown>)[part];
  return node(at, file);
}

/** Type of a known value. */
export const constantNode = (value: unknown): SchemaNode => ({ schema: { const: value }, file: '' });

export const unionNode = (nodes: readonly SchemaNode[]): SchemaNode => ({ schema: { anyOf: nodes }, file: '' });

function node(schema: unknown, file: string): SchemaNode {
  if (isSchemaNode(schema)) return schema;
  const plain = (typeof schema === 'object' && schema !== null ? schema : {}) as Record<string, unknown>;
  const reference = plain['$ref'];
  if (typeof reference !== 'string') return { schema: plain, file };
  const [path = '', pointer = ''] = reference.split('#');
  return schemaNode(`${path === '' ? file : posix.join(posix.dirname(file), path)}#${pointer}`);
}

const isSchemaNode = (value: unknown): value is SchemaNode =>
  typeof value === 'object' && value !== null && 'schema' in value && 'file' in value;

export const branchesOf = ({ schema, file }: SchemaNode): SchemaNode[] =>
  [...asList(schema['oneOf']), ...asList(schema['anyOf'])].map((branch) => node(branch, file));

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export const propertiesOf = ({ schema }: SchemaNode): Record<string, unknown> =>
  (schema['properties'] as Record<string, unknown> | undefined) ?? {};

export const requiredOf = ({ schema }: SchemaNode): string[] => asList(schema['required']) as string[];

/** The keys that may stand in a mapping, in the order of the schema. */
export const keysOf = (at: SchemaNode): string[] => [
  ...new Set([...Object.keys(propertiesOf(at)), ...branchesOf(at).flatMap(keysOf)]),
];

export const itemOf = ({ schema, file }: SchemaNode): SchemaNode => node(schema['items'], file);

/** The schema of a key or list entry; undefined where there can be none. `{}` (anything) leads to anything. */
export function childOf(at: SchemaNode, key: string | number): SchemaNode | undefined {
  const { schema, file } = at;
  if ('const' in schema) {
    const value = schema['const'];
    const own = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
    return own ? constantNode((value as Record<string | number, unknown>)[key]) : undefined;
  }
  const branches = branchesOf(at);
  if (branches.length > 0 && !schema['properties']) {
    const found = branches.map((branch) => childOf(branch, key)).filter((child) => child !== undefined);
    return found.length === 0 ? undefined : found.length === 1 ? found[0] : unionNode(found);
  }
  const types = typesOf(at);
  if (types === undefined) return { schema: {}, file: '' };
  if (typeof key === 'number') return types.includes('array') ? itemOf(at) : undefined;
  if (!types.includes('object')) return undefined;
  const properties = propertiesOf(at);
  if (Object.hasOwn(properties, key)) return node(properties[key], file);
  const pattern = Object.entries((schema['patternProperties'] as Record<string, unknown> | undefined) ?? {}).find(
    ([text]) => new RegExp(text).test(key),
  );
  if (pattern) return node(pattern[1], file);
  return schema['additionalProperties'] === false ? undefined : node(schema['additionalProperties'], file);
}

/** The JSON types that a value of this schema may have; undefined: any. */
export function typesOf(at: SchemaNode): string[] | undefined {
  const { schema } = at;
  if ('const' in schema) return [jsonType(schema['const'])];
  if (Array.isArray(schema['enum'])) return [...new Set(schema['enum'].map(jsonType))];
  if (schema['type'] !== undefined)
    return asList(schema['type']).length > 0 ? (schema['type'] as string[]) : [schema['type'] as string];
  const branches = branchesOf(at);
  if (branches.length === 0) return undefined;
  const types = branches.map(typesOf);
  return types.includes(undefined) ? undefined : [...new Set(types.flat() as string[])];
}

const jsonType = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;

/** The names of the built-in steps. */
export const stepNames = (): string[] => (steps ??= namesIn('schemas/steps'));
/** The kinds of plan. */
export const planKinds = (): string[] => (kinds ??= namesIn('schemas/plans'));

let steps: string[] | undefined;
let kinds: string[] | undefined;

const namesIn = (folder: string): string[] =>
  readdirSync(join(packageRoot, folder))
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
