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

/** Of the system, and of programs that are loaded. Whether setpriv binds programs is looked at once in a process, by whoever is the first. */
const notOfTests = /^\/proc\/|^\/dev\/null$|\/node_modules\/|^\/usr\/bin\/setpriv$/;

/** Gets each path while somebody listens. */
let told: ((path: string) => void) | null = null;
let watching = false;

/** Paths that the product opened, changed or removed meanwhile: all but files of its own package and of /proc. */
export async function touched<T>(act: () => Promise<T>): Promise<{ readonly result: T; readonly paths: string[] }> {
  if (!watching) watch();
  const paths: string[] = [];
  told = (path) => {
    if (!notOfTests.test(path) && !path.startsWith(`${packageRoot}/`)) paths.push(path);
  };
  try {
    return { result: await act(), paths };
  } finally {
    told = null;
  }
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
    if (told) for (const path of args.slice(0, count)) if (typeof path === 'string') told(resolve(path));
    return own.apply(this, args);
  }, own);
}
