import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** The layers as ARCHITECTURE.md draws them: groups of folders, each seeing the groups before it. */
const layers = (/^errors, schemas, time +<-.*$/m.exec(readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8'))?.[0] ?? '')
  .split('<-')
  .map((group) => group.split(',').map((name) => name.trim()));
const folders = layers.flat();

/** What siblings may see all the same; the linter's configuration gives the reasons. */
const exceptions = new Set(['schemas errors']);
/** Where the linter is stricter than the drawing. */
const closer = new Set([
  'host sources',
  'engine sources',
  'state sources',
  'blocks sources',
  'repository sources',
  'blocks plan',
  'blocks engine',
  'blocks view',
  'repository plan',
  'repository engine',
  'repository view',
  'repository state',
  ...['plan', 'engine', 'view', 'state', 'blocks', 'repository', 'machines', 'restore-points'].map(
    (room) => `api ${room}`,
  ),
  'transfer api',
  // The page runs in a browser.
  ...folders.filter((room) => !['schemas', 'view', 'web'].includes(room)).map((room) => `web ${room}`),
]);

function allowed(from: string, to: string): boolean {
  if (from === to || exceptions.has(`${from} ${to}`)) return true;
  if (closer.has(`${from} ${to}`)) return false;
  const level = (name: string): number => layers.findIndex((group) => group.includes(name));
  return level(to) < level(from);
}

interface Diagnostic {
  readonly code: string;
  readonly message: string;
  readonly filename: string;
  readonly help?: string;
}

let folder = '';

function lint(): Diagnostic[] {
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--format', 'json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return (JSON.parse(stdout) as { diagnostics: Diagnostic[] }).diagnostics;
}

function write(file: string, text: string): void {
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), text);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'import-rule-'));
  copyFileSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the import rule', () => {
  test('the linter refuses exactly the imports that ARCHITECTURE.md forbids, with a sentence of reason', () => {
    expect(folders.toSorted()).toEqual(readdirSync(join(root, 'src')).toSorted());
    for (const from of folders) {
      for (const to of folders.filter((name) => name !== from)) {
        write(`src/${from}/import-${to}.ts`, `export { value } from '../${to}/value.ts';\n`);
        write(`src/${from}/deep/import-${to}.ts`, `export { value } from '../../${to}/value.ts';\n`);
      }
    }
    const refused = new Set<string>();
    for (const diagnostic of lint().filter((one) => one.code.includes('no-restricted-imports'))) {
      const [, from, to] = /src\/([a-z-]+)\/(?:deep\/)?import-([a-z-]+)\.ts$/.exec(diagnostic.filename) ?? [];
      refused.add(`${from} ${to}${diagnostic.filename.includes('/deep/') ? ' deep' : ''}`);
      expect(`${diagnostic.message} ${diagnostic.help ?? ''}`).toMatch(/[a-z]+ .*\./);
    }
    const forbidden = folders.flatMap((from) =>
      folders.filter((to) => !allowed(from, to)).flatMap((to) => [`${from} ${to}`, `${from} ${to} deep`]),
    );
    expect([...refused].toSorted()).toEqual(forbidden.toSorted());
  });

  test('packages that act have one home', () => {
    write('src/steps/starts.ts', "export { execa } from 'execa';\n");
    write('src/host/starts.ts', "export { execa } from 'execa';\n");
    write('src/engine/draws.ts', "export { Listr } from 'listr2';\n");
    for (const room of ['api', 'node', 'hub'])
      write(`src/${room}/starts-http.ts`, "export type { FastifyInstance } from 'fastify';\n");
    const refused = lint().filter((one) => one.code.includes('no-restricted-imports'));
    const files = refused.map((one) => one.filename).filter((name) => /starts|draws/.test(name));
    expect(files.toSorted()).toEqual([
      'src/engine/draws.ts',
      'src/hub/starts-http.ts',
      'src/node/starts-http.ts',
      'src/steps/starts.ts',
    ]);
  });

  test('a cycle is refused', () => {
    write('src/blocks/one.ts', "import { two } from './two.ts';\nexport const one = (): number => two();\n");
    write('src/blocks/two.ts', "import { one } from './one.ts';\nexport const two = (): number => one();\n");
    const files = lint()
      .filter((one) => one.code.includes('no-cycle') && one.filename.startsWith('src/blocks/'))
      .map((one) => one.filename);
    expect(files.toSorted()).toEqual(['src/blocks/one.ts', 'src/blocks/two.ts']);
  });

  test('a cycle of types is one, too', () => {
    write(
      'src/state/one.ts',
      "import type { Two } from './two.ts';\nexport interface One { readonly two: Two | null }\n",
    );
    write(
      'src/state/two.ts',
      "import type { One } from './one.ts';\nexport interface Two { readonly one: One | null }\n",
    );
    const files = lint()
      .filter((one) => one.code.includes('no-cycle') && one.filename.startsWith('src/state/'))
      .map((one) => one.filename);
    expect(files.toSorted()).toEqual(['src/state/one.ts', 'src/state/two.ts']);
  });

  test('every folder of src has a place in the rule', () => {
    const found = execFileSync('ls', [join(root, 'src')], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(found.toSorted()).toEqual(folders.toSorted());
  });
});
