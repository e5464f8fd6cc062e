import { AsyncLocalStorage } from 'node:async_hooks';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { resolve } from 'node:path';
import { packageRoot } from '../../src/schemas/package.ts';

/** What reads, writes or removes a file, by its first arguments. */
const ways = {
  one: [
    'open',
    'readFile',
    'writeFile',
    'appendFile',
    'rm',
    'unlink',
    'mkdir',
    'rmdir',
    'readdir',
    'opendir',
    'truncate',
    'chmod',
    'utimes',
  ],
  two: ['rename', 'link', 'copyFile', 'cp', 'symlink'],
} as const;

type Call = (this: unknown, ...args: unknown[]) => unknown;
type Calls = Record<string, Call>;

/**
 * Of the system, and of programs that are loaded; the last is where vitest keeps a module that it has made of a source file. Whether
 * setpriv binds programs is looked at once in a process, by whoever is the first.
 */
const notOfTests = /^\/proc\/|^\/dev\/null$|\/node_modules\/|^\/usr\/bin\/setpriv$|\/[\w-]{21}\/\w+\/[0-9a-f]{40}$/;

/** Gets each path that is touched on behalf of who listens; others in the same process go on with what they do. */
const told = new AsyncLocalStorage<(path: string) => void>();
let watching = false;

/** Paths that the product opened, changed or removed for it: all but files of its own package and of /proc. */
export async function touched<T>(act: () => Promise<T>): Promise<{ readonly result: T; readonly paths: string[] }> {
  if (!watching) watch();
  const paths: string[] = [];
  const tell = (path: string): void => {
    if (!notOfTests.test(path) && !path.startsWith(`${packageRoot}/`)) paths.push(path);
  };
  return { result: await told.run(tell, act), paths };
}

/** @throws Error naming what lies elsewhere */
export function assertInside(folder: string, paths: readonly string[]): void {
  const stray = paths.find((path) => path !== folder && !path.startsWith(`${folder}/`));
  if (stray !== undefined) throw new Error(`${JSON.stringify(stray)} was opened, which is outside of ${folder}`);
}

/** Stays for the life of the process and only listens: whoever is not within {@link touched} notices nothing. */
function watch(): void {
  watching = true;
  for (const [count, names] of [
    [1, ways.one],
    [2, ways.two],
  ] as const)
    for (const name of names) {
      wrap(fs as unknown as Calls, name, count);
      wrap(fs as unknown as Calls, `${name}Sync`, count);
      wrap(fs.promises as unknown as Calls, name, count);
    }
  syncBuiltinESMExports();
}

function wrap(calls: Calls, name: string, count: number): void {
  const own = calls[name];
  if (!own) return;
  calls[name] = Object.assign(function (this: unknown, ...args: unknown[]) {
    const tell = told.getStore();
    if (tell) for (const path of args.slice(0, count)) if (typeof path === 'string') tell(resolve(path));
    return own.apply(this, args);
  }, own);
}
