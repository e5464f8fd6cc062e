import { dirname, join } from 'node:path';
import { schemaOf } from '../../src/schemas/validator.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Texts that the patterns of the schemas ask for. */
const texts: readonly string[] = [
  'b1',
  '2000',
  'disk-0',
  '0'.repeat(64),
  `sha256:${'0'.repeat(64)}`,
  '127.1.0.1',
  '0'.repeat(16),
  '/disks/a.raw',
  'nbd://127.0.0.1:10100/a',
  '2000:nbd://127.0.0.1:10100/a',
  '90s',
  '30d',
  '1GiB',
  'x'.repeat(43),
  'AA:BB',
  'host:443',
  '2026-11-20T01:30:00.000Z',
  '1',
];

/** A value that a schema allows, with all properties that it has; `node/health.json`. */
export function soundValue(name: string): unknown {
  const [file = '', pointer = ''] = name.split('#');
  return sample(within(schemaOf(file), pointer), file, 0);
}

const within = (schema: Schema, pointer: string): Schema =>
  pointer
    .split('/')
    .filter(Boolean)
    .reduce<Schema>((at, key) => at[key] as Schema, schema);

function sample(schema: Schema, file: string, depth: number): unknown {
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const [path = '', pointer = ''] = reference.split('#');
    const target = path === '' ? file : join(dirname(file), path);
    return sample(within(schemaOf(target), pointer), target, depth + 1);
  }
  if ('const' in schema) return schema['const'];
  if (Array.isArray(schema['enum'])) return schema['enum'][0];
  for (const key of ['anyOf', 'oneOf'])
    if (Array.isArray(schema[key])) {
      const one = sample(schema[key][0] as Schema, file, depth);
      return typeof one === 'object' && one !== null && !Array.isArray(one)
        ? { ...asObject(schema, file, depth), ...one }
        : one;
    }
  const type = Array.isArray(schema['type']) ? (schema['type'][0] as unknown) : schema['type'];
  switch (type) {
    case 'object':
      return asObject(schema, file, depth);
    case 'array':
      return depth > 6
        ? []
        : Array.from({ length: Math.max(1, Number(schema['minItems'] ?? 0)) }, () =>
            sample((schema['items'] ?? {}) as Schema, file, depth + 1),
          );
    case 'integer':
    case 'number':
      return Number(schema['minimum'] ?? 1);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return textFor(schema);
  }
}

function asObject(schema: Schema, file: string, depth: number): Record<string, unknown> {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Schema>>;
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([key]) => depth < 8 || ((schema['required'] ?? []) as string[]).includes(key))
      .map(([key, inner]) => [key, sample(inner, file, depth + 1)]),
  );
}

function textFor({ pattern, minLength = 0 }: Schema): string {
  const wanted = typeof pattern === 'string' ? new RegExp(pattern) : null;
  return (
    texts.find((text) => (wanted?.test(text) ?? true) && text.length >= Number(minLength)) ??
    'x'.repeat(Number(minLength) || 40)
  );
}
