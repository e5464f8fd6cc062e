import { globSync } from 'node:fs';
import { join, posix } from 'node:path';
import { packageRoot, schemaOf } from '../schemas/validator.ts';
import { chooseBranches } from './choose-branches.ts';

type Schema = Record<string, unknown>;

/** Names of the schemas: their files below `schemas/`, without `.json`. */
export const schemaNames = (): string[] =>
  globSync('**/*.json', { cwd: join(packageRoot, 'schemas') })
    .map((file) => file.replace(/\.json$/, '').replaceAll('\\', '/'))
    .sort();

/** One line on what a schema is for. */
export const schemaSummary = (name: string): string => {
  const { description, title } = schemaOf(`${name}.json`);
  return String(description ?? title ?? '').split('\n')[0] ?? '';
};

/**
 * A schema together with every schema that it refers to, each under `$defs` by its name with dots. Every reference is local and nothing has an
 * `$id`: yaml-language-server follows no other. In a form in which any validator names what is wrong.
 */
export function bundledSchema(name: string): Schema {
  const parts = new Map<string, Schema>();
  collect(name, publishedSchema(name), parts);
  const local = [...parts].map(([part, schema]) => [dotted(part), withLocalReferences(schema, part, name)] as const);
  const { [dotted(name)]: root = {}, ...others } = Object.fromEntries(local);
  if (Object.keys(others).length === 0) return root;
  return { ...root, $defs: { ...(root['$defs'] as Schema | undefined), ...others } };
}

const dotted = (part: string): string => part.replaceAll('/', '.');

function withLocalReferences(schema: Schema, part: string, root: string): Schema {
  const pointerTo = (other: string): string => (other === root ? '' : `/$defs/${dotted(other)}`);
  const local = (reference: string): string => {
    const [file = '', inside = ''] = reference.split('#');
    return `#${pointerTo(file === '' ? part : partOf(part, file))}${inside}`;
  };
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [
        key,
        key === '$ref' && typeof entry === 'string' ? local(entry) : walk(entry),
      ]),
    );
  };
  return walk(Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$id'))) as Schema;
}

/** The schema that a reference of another one names. */
const partOf = (from: string, file: string): string => posix.join(posix.dirname(from), file).replace(/\.json$/, '');

const publishedSchema = (name: string): Schema => chooseBranches(schemaOf(`${name}.json`), `${name}.json`) as Schema;

/** Follows every `$ref` into another file. */
function collect(name: string, schema: Schema, into: Map<string, Schema>): void {
  if (into.has(name)) return;
  into.set(name, schema);
  for (const reference of referencesIn(schema)) {
    const [file = ''] = reference.split('#');
    if (file === '') continue;
    const other = partOf(name, file);
    collect(other, publishedSchema(other), into);
  }
}

function referencesIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, entry]) =>
    key === '$ref' && typeof entry === 'string' ? [entry] : referencesIn(entry),
  );
}
