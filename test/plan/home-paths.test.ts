/** No program but a shell knows what ~ is: each field that is a path refuses it. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/schemas/package.ts';

const schemas = join(packageRoot, 'schemas');

interface Field {
  readonly name: string;
  readonly description: string;
  readonly pattern: string;
}

/** Fields of text whose name or description says that they are a path. */
function* pathsIn(node: unknown, name = ''): Generator<Field> {
  if (typeof node !== 'object' || node === null) return;
  const { type, description = '', pattern = '' } = node as Record<string, unknown>;
  const text = `${name.split('/').at(-1)} ${String(description)}`;
  if ([type].flat().includes('string') && /\b(path|file|folder|directory|socket|cwd|database)\b/i.test(text))
    yield { name, description: String(description), pattern: String(pattern) };
  for (const [key, value] of Object.entries(node)) yield* pathsIn(value, `${name}/${key}`);
}

/** What stands in a vCenter, or is a word about files. */
const noFiles = /^Inventory path|^quick: files|its absolute path|file systems|file system or/;

const files = ['settings.json', 'node-settings.json', 'plan.json', 'common.json'];

test.each([...files, ...globSync('plans/*.json', { cwd: schemas })])('in schemas/%s every path refuses ~', (file) => {
  const schema = JSON.parse(readFileSync(join(schemas, file), 'utf8')) as unknown;
  for (const { name, description, pattern } of pathsIn(schema))
    if (!noFiles.test(description))
      for (const path of ['~/x.prom', '~'])
        expect(new RegExp(pattern, 'u').test(path), `${name}: ${description}`).toBe(false);
});
