import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseDocument, type Document } from 'yaml';
import { composeDocument } from '../../../src/plan/yaml/compose-document.ts';
import { tokensOf } from '../../../src/plan/yaml/nesting.ts';
import { printedRandom } from '../../support/random.ts';

const root = join(import.meta.dirname, '../../..');
const files = globSync('{test/plan/corpus,examples,plans,runners}/**/*.{yaml,yml}', { cwd: root });

const options = {
  version: '1.2',
  schema: 'core',
  merge: true,
  strict: true,
  stringKeys: true,
  uniqueKeys: false,
  resolveKnownTags: false,
  prettyErrors: false,
  logLevel: 'error',
} as const;

/** All that the rest of a validation asks a document for. */
function seen(yaml: Document.Parsed): unknown {
  const found = (problems: readonly { code: string; pos: readonly number[] }[]) =>
    problems.map(({ code, pos }) => `${code} ${pos.join(' ')}`);
  let value: unknown;
  try {
    value = JSON.stringify(yaml.toJS({ maxAliasCount: -1 }));
  } catch (error) {
    value = String(error);
  }
  const { contents, directives, range } = yaml;
  return [value, range, contents?.range, directives.yaml, found(yaml.errors), found(yaml.warnings)];
}

function alike(text: string): void {
  const read = tokensOf(text);
  if ('excess' in read) return;
  expect(seen(composeDocument(read.tokens, text.length)), JSON.stringify(text)).toEqual(
    seen(parseDocument(text, options)),
  );
}

test('both halves together read what the library reads in one go', () => {
  expect(files.length).toBeGreaterThan(100);
  for (const file of files) alike(readFileSync(join(root, file), 'utf8'));
  for (const text of [
    '',
    '\n',
    '# none\n',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    'a: 1\n---\nb: 2\n---\nc: 3\n',
    'a: [1\n---\nb',
  ])
    alike(text);
});

test('and the same of texts that something broke', () => {
  const random = printedRandom('broken YAML');
  const pieces = [
    '---\n',
    '...\n',
    '[',
    '}',
    '"',
    ': ',
    '\n  ',
    '- ',
    '? ',
    '|\n',
    '&a ',
    '*a',
    '%YAML 1.1\n',
    '#',
    '\t',
    '!<',
  ];
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8');
    const at = random.int(0, text.length + 1);
    alike(text.slice(0, at) + (pieces[random.int(0, pieces.length)] ?? '') + text.slice(at + random.int(0, 4)));
  }
});
