/** Writes `src/schemas/types.ts` from `schemas/`. Run by `npm run types`; a test proves that the file is current. */
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { formatted } from './formatted.ts';

const root = join(import.meta.dirname, '../..');
const folder = join(root, 'schemas');
export const typesFile = join(root, 'src/schemas/types.ts');

const pascal = (text: string): string =>
  text.replace(/(^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_all, _sep, letter: string) => letter.toUpperCase());

/** One root that refers to every schema, so that shared parts are declared once. */
function bundle(): JSONSchema {
  const properties: Record<string, JSONSchema> = {};
  for (const file of globSync('**/*.json', { cwd: folder }).sort()) {
    const schema = JSON.parse(readFileSync(join(folder, file), 'utf8')) as JSONSchema;
    if (file.startsWith('steps/')) {
      const name = pascal(String(schema.title));
      for (const part of ['input', 'output'])
        properties[`${name}${pascal(part)}`] = { $ref: `${file}#/properties/${part}` };
    } else if (schema['$defs']) {
      for (const name of Object.keys(schema['$defs'])) properties[pascal(name)] = { $ref: `${file}#/$defs/${name}` };
    } else {
      properties[pascal(String(schema.title))] = { $ref: file };
    }
  }
  return {
    title: 'AllSchemas',
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

/** As programs see a value, after validation: what has a default is there, and keys that are the user's own do not matter. */
function forPrograms(schema: unknown): void {
  if (schema === null || typeof schema !== 'object') return;
  const { properties } = schema as JSONSchema;
  delete (schema as JSONSchema).patternProperties;
  if (properties && !Array.isArray(schema)) {
    const withDefault = Object.keys(properties).filter(
      (name) => (properties[name] as JSONSchema).default !== undefined,
    );
    const required = (schema as { required?: string[] }).required ?? [];
    (schema as { required?: string[] }).required = [...new Set([...required, ...withDefault])];
  }
  for (const inner of Object.values(schema)) forPrograms(inner);
}

function copySchemas(): string {
  const copy = mkdtempSync(join(tmpdir(), 'sendense-schemas-'));
  for (const file of globSync('**/*.json', { cwd: folder })) {
    const schema = JSON.parse(readFileSync(join(folder, file), 'utf8')) as unknown;
    forPrograms(schema);
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    writeFileSync(join(copy, file), JSON.stringify(schema));
  }
  return copy;
}

export async function generateTypes(): Promise<string> {
  const copy = copySchemas();
  try {
    return await generateFrom(copy);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

async function generateFrom(copy: string): Promise<string> {
  const all = bundle();
  const source = await compile(all, 'AllSchemas', {
    cwd: copy + '/',
    bannerComment: '/* Generated from schemas/ by `npm run types`; do not edit. */',
    additionalProperties: false,
    style: { singleQuote: true },
    format: false,
    unreachableDefinitions: false,
  });
  const named = Object.keys(all.properties ?? {});
  const missing = named.filter((name) => !new RegExp(`export (interface|type) ${name}\\b`).test(source));
  const aliases = missing.map((name) => `export type ${name} = AllSchemas['${name}'];`).join('\n');
  return formatted(typesFile, `${source}\n${aliases}\n`);
}

if (import.meta.main) {
  writeFileSync(typesFile, await generateTypes());
  console.log(`wrote ${relative(process.cwd(), typesFile)}`);
}
