import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Where a program is looked for: what the program itself will get. */
export interface Surroundings {
  readonly path: string | undefined;
  readonly cwd?: string | undefined;
}

/**
 * The kernel forgets the order where the parent died before it was given: the shell that has it compares its parent with
 * the one that was meant.
 */
const parentIsMeant = '[ "$PPID" = "$0" ] || exit 125';

/**
 * Every program that we start is started so, but those that outlive this process: a run that the daemon or a request to the hub starts
 * (`own-program.ts`), the client of a node's job, which ends with its lease (`src/node/jobs/lease.ts`), and a VM that runs from a restore
 * point, with what serves its disks (`src/boot`). A command of the user's has
 * a watcher (`group-watcher.ts`).
 *
 * The words that start a program which the kernel ends together with this process, however that ends (PR_SET_PDEATHSIG,
 * prctl(2)). Every word is handed on as it is, and process id and name are those of the program. What it starts itself
 * is not bound: `run-in-group.ts` is for that. Where there is no `setpriv` that can do it (util-linux), it is
 * started as it is; and so is one that cannot be found, so that the error is the system's own.
 * @param signal KILL, unless the program has to close something first
 */
export function boundWords(
  file: string,
  args: readonly string[],
  { signal = 'KILL', first = '', ...where }: BoundOptions,
): [string, ...string[]] {
  const setpriv = findBinder();
  if (setpriv === null || !canBind(setpriv) || findProgram(file, where) === null) return [file, ...args];
  const script = `${parentIsMeant}; ${first} exec "$@"`;
  return [setpriv, '--pdeathsig', signal, '--', '/bin/sh', '-c', script, String(process.pid), file, ...args];
}

export interface BoundOptions extends Surroundings {
  readonly signal?: 'KILL' | 'TERM';
  /** Shell commands before the program, each ended by `;` or `&`. */
  readonly first?: string;
}

/** What binds programs to this process: nothing does where `setpriv` is missing, or is older than `--pdeathsig` (util-linux 2.33). */
export function binderState(): 'there' | 'missing' | 'too old' {
  const setpriv = findBinder();
  if (setpriv === null) return 'missing';
  return canBind(setpriv) ? 'there' : 'too old';
}

const findBinder = (): string | null => findProgram('setpriv', { path: process.env['PATH'] });

const binders = new Map<string, boolean>();

/** Whether that setpriv knows `--pdeathsig`: it is looked for in its file, or tried, once. Where it could not even be started, the next time again. */
function canBind(setpriv: string): boolean {
  const known = binders.get(setpriv);
  if (known !== undefined) return known;
  const status = hasOption(setpriv, 'pdeathsig') ? 0 : tried(setpriv);
  if (status !== null) binders.set(setpriv, status === 0);
  return status === null || status === 0;
}

const tried = (setpriv: string): number | null =>
  spawnSync(setpriv, ['--pdeathsig', 'KILL', '--', '/bin/sh', '-c', ':'], { stdio: 'ignore', timeout: 10_000 }).status;

/** Whether a compiled program has a name like that of a long option in it: to start it takes much longer than to read it. */
function hasOption(file: string, name: string): boolean {
  try {
    return readFileSync(file).includes(`\0${name}\0`);
  } catch {
    return false;
  }
}

/** The file that a word names as a program; null where there is none that this user may run. */
function findProgram(word: string, { path = '', cwd = '.' }: Surroundings): string | null {
  if (word.includes('/')) return isProgram(resolve(cwd, word)) ? resolve(cwd, word) : null;
  for (const folder of path.split(delimiter)) {
    const file = join(resolve(cwd, folder), word);
    if (isProgram(file)) return file;
  }
  return null;
}

/** The file of a program that is found in PATH; null: there is none. */
export const programFile = (name: string): string | null => findProgram(name, { path: process.env['PATH'] });

/** Whether a program is found in PATH. */
export const isInstalled = (name: string): boolean => programFile(name) !== null;

/** Whether this user may run that file. */
export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
