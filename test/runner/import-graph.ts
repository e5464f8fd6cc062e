import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** What each file of a checkout needs: the files and folders that it imports, starts or reads. Paths are relative to the checkout. */
export type ImportGraph = ReadonlyMap<string, ReadonlySet<string>>;

/** Where code is. */
const codeFolders = ['src', 'test', 'examples', 'packaging'];

/** What is needed without being named by the one who needs it. */
const unnamed: Readonly<Record<string, readonly string[]>> = {
  // `rolldown.config.ts` bundles these.
  'test/programs.ts': [
    'src/cli/sendense-run.ts',
    'src/cli/sendense-node.ts',
    'src/cli/sendense-backup-client.ts',
    'src/blocks/digest-worker.ts',
    'src/host/nbd/gate/gate-thread.ts',
    'src/hub/access/password-thread.ts',
    'src/host/ssh/ssh2-child.ts',
  ],
  'src/schemas/package.ts': ['schemas', 'runners', 'package.json'],
  // These bundle or pack all of it.
  'test/project/package.test.ts': ['src'],
  'packaging/deb/build-packages.ts': ['src'],
};

export function importGraph(root: string): ImportGraph {
  const files = codeFolders.flatMap((folder) => codeBelow(root, folder));
  return new Map(files.map((file) => [file, needsOf(root, file)]));
}

function codeBelow(root: string, folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => isCode(name) && !name.includes('node_modules'))
    .map((name) => join(folder, name));
}

function needsOf(root: string, file: string): Set<string> {
  const text = readFileSync(join(root, file), 'utf8').replaceAll(/^import type .*$|^ *\/\/.*$|\/\*[^]*?\*\//gm, '');
  const needs = new Set<string>(unnamed[file]);
  for (const [, specifier = ''] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g))
    needs.add(normalize(join(dirname(file), specifier)));
  // Programs and threads by their names: those of the product, those of tests.
  for (const [, name] of text.matchAll(/\bstartFile\(\s*'([^']+)'/g)) needs.add(`src/${name}.ts`);
  for (const [, name] of text.matchAll(/\btestProgram\(\s*'([^']+)'/g)) needs.add(`test/${name}.ts`);
  // A test names what it starts or reads in words, from its own folder or from the root of the checkout.
  if (/^(test\/(?!runner\/)|packaging\/)/.test(file))
    for (const [, word = ''] of text.matchAll(/['`"]((?:\.{1,2}\/)*[\w.@/-]+)['`"]/g))
      for (const path of [normalize(join(dirname(file), word)), normalize(word)])
        if (isPart(root, path) && path !== file) needs.add(path.replace(/^dist\b/, 'src'));
  return needs;
}

/** A file, or a folder of no code: who uses code imports it. */
function isPart(root: string, path: string): boolean {
  if (path === '.' || path.startsWith('..') || path.startsWith('/')) return false;
  if (/^(node_modules|\.toolchain|\.git)(\/|$)/.test(path)) return false;
  const found = statSync(join(root, path), { throwIfNoEntry: false });
  if (!found?.isDirectory()) return found?.isFile() === true;
  const [top = ''] = path.split('/');
  return (
    !['src', 'test'].includes(top) || !readdirSync(join(root, path), { recursive: true, encoding: 'utf8' }).some(isCode)
  );
}

const isCode = (name: string): boolean => /\.[jt]s$/.test(name);
