import { globSync, readFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/commands/index.ts';
import { generatedDocs } from '../tools/generate-docs.ts';
import { generateTypes, typesFile } from '../tools/generate-types.ts';

const root = join(import.meta.dirname, '../..');
const pages = globSync('{*.md,docs/**/*.md,examples/**/*.md}', { cwd: root });
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

describe('what is made from other files is current', () => {
  test.for([...generatedDocs()])('%s (npm run docs)', ([file, text]) => {
    expect(read(file)).toBe(text);
  });

  test('src/schemas/types.ts (npm run types)', async () => {
    expect(readFileSync(typesFile, 'utf8')).toBe(await generateTypes());
  });
});

describe('documents', () => {
  test('every link between them leads somewhere', () => {
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !existsSync(join(root, dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test('the README names every command, and no other', () => {
    const named = [...read('README.md').matchAll(/^\| `sendense-run ([a-z]+)/gm)].map((match) => match[1]);
    expect([...new Set(named)].toSorted()).toEqual(commands.map((command) => command.name).toSorted());
  });

  test('every test that docs/security.md names is there', () => {
    const named = [...read('docs/security.md').matchAll(/`(test\/[^`]+)`/g)].map((match) => match[1] ?? '');
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test('docs/README.md lists every page of docs/', () => {
    const index = read('docs/README.md');
    const moved = ['plans.md'];
    for (const page of globSync('*.md', { cwd: join(root, 'docs') })) {
      if (page !== 'README.md' && !moved.includes(page)) expect(index).toContain(`](${page})`);
    }
  });
});
