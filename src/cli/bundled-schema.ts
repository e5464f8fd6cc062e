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
 * A schema together with every schema that it refers to, as JSON Schema 2020-12 bundles them: each under `$defs`, with
 * its own `$id`, so that references need not be changed. In a form in which any validator names what is wrong.
 */
export function bundledSchema(name: string): Schema {
  const root = publishedSchema(name);
  const others = new Map<string, Schema>();
  collect(name, root, others);
  others.delete(name);
  if (others.size === 0) return root;
  const own = (root['$defs'] ?? {}) as Schema;
  return { ...root, $defs: { ...own, ...Object.fromEntries([...others].map(([other, schema]) => [other, schema])) } };
}

const publishedSchema = (name: string): Schema => chooseBranches(schemaOf(`${name}.json`), `${name}.json`) as Schema;

/** Follows every `$ref` into another file. */
function collect(name: string, schema: Schema, into: Map<string, Schema>): void {
  if (into.has(name)) return;
  into.set(name, schema);
  for (const reference of referencesIn(schema)) {
    const [file = ''] = reference.split('#');
    if (file === '') continue;
    const other = posix.join(posix.dirname(name), file).replace(/\.json$/, '');
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
