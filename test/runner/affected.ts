import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { importGraph, type ImportGraph } from './import-graph.ts';

/** A change of anything outside of these can affect every test: the lock file, the configurations, the set-up. */
const parts = /^(src|test|examples|packaging|docs|plans|schemas|runners)\/|^[A-Z]+(\.md)?$/;
const everywhere = /^test\/(global-setup\.ts|run\.ts|runner\/(?!.*\.test\.ts$))/;

/**
 * Test files that a change can affect, or `all`.
 *
 * @param changed paths relative to the checkout
 */
export function affectedTests(graph: ImportGraph, changed: readonly string[]): string[] | 'all' {
  if (changed.some((path) => !parts.test(path) || everywhere.test(path))) return 'all';
  const affected = new Set<string>();
  const queue = changed.flatMap((path) => (isModule(path) ? [path] : [path, ...modulesBeside(graph, path)]));
  const users = usersOf(graph);
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (affected.has(path)) continue;
    affected.add(path);
    // Who needs a folder needs every file below it.
    for (let part = path; part !== '.'; part = dirname(part)) queue.push(...(users.get(part) ?? []));
  }
  return [...affected].filter((path) => path.endsWith('.test.ts') && graph.has(path)).toSorted();
}

const isModule = (path: string): boolean => /\.[jt]s$/.test(path);

/** What is no module (a script, a C program) belongs to the modules of the nearest folder above that has some. */
function modulesBeside(graph: ImportGraph, path: string): string[] {
  if (!path.startsWith('test/')) return [];
  for (let folder = dirname(path); folder !== 'test' && folder !== '.'; folder = dirname(folder)) {
    const beside = [...graph.keys()].filter((file) => dirname(file) === folder);
    if (beside.length > 0) return beside;
  }
  return [];
}

function usersOf(graph: ImportGraph): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const [file, needs] of graph)
    for (const need of needs) {
      const known = users.get(need);
      if (known) known.push(file);
      else users.set(need, [file]);
    }
  return users;
}

/** What differs from a commit in the work tree, with files that git does not know yet. */
export function changedSince(root: string, commit: string): string[] {
  const git = (...args: string[]): string[] =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
      .split('\0')
      .filter(Boolean);
  return [
    ...git('diff', '--name-only', '--no-renames', '-z', commit, '--'),
    ...git('ls-files', '--others', '--exclude-standard', '-z'),
  ];
}

/** @returns test files, or `all`, with the files that differ */
export function testsOfChange(root: string, commit: string): { changed: string[]; tests: string[] | 'all' } {
  const changed = changedSince(root, commit);
  return { changed, tests: affectedTests(importGraph(root), changed) };
}
