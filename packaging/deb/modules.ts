import { cpSync, existsSync, readFileSync, statSync } from 'node:fs';
import { extname, join, relative } from 'node:path';

/** Needed to compile only. */
const unused = new Set(['nan', 'buildcheck', 'node-addon-api']);
/** At the top of a package; nothing loads them. */
const unusedFolders = new Set(['.github', 'benchmark', 'benchmarks', 'docs', 'example', 'examples', 'test', 'tests']);
const usedKinds = new Set(['.js', '.cjs', '.mjs', '.json', '.node']);

/**
 * Names of the npm packages of production, in order. The bundle holds most of what it uses, but not what has binaries of its own, and what
 * the compiled validators ask for while they run.
 */
export function productionModules(root: string): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>;
  };
  return Object.keys(packages)
    .filter((path) => !packages[path]?.dev && existsSync(join(root, path)))
    .map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1])
    .filter((name) => name !== undefined && !unused.has(name))
    .toSorted() as string[];
}

/** Copies what runs of a package, and its licence. @param platform such as `linux-x64` */
export function copyModule(root: string, name: string, to: string, platform: string): void {
  const from = join(root, 'node_modules', name);
  cpSync(from, join(to, name), {
    recursive: true,
    filter: (path) => {
      const [first = '', second, ...more] = relative(from, path).split('/');
      const last = more.at(-1) ?? second ?? first;
      if (unusedFolders.has(first) || last.startsWith('.') || last === 'obj.target') return false;
      // Sources in C of what is compiled.
      if (['better-sqlite3', 'cpu-features'].includes(name) && ['deps', 'src'].includes(first)) return false;
      if (first === 'prebuilds' && second !== undefined) return second.startsWith(`${platform}.`);
      return statSync(path).isDirectory() || usedKinds.has(extname(last)) || /^licen[cs]e/i.test(last);
    },
  });
}
