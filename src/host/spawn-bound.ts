import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Starts a program that the kernel ends with this process, however that ends: an ssh with an open connection outlives a
 * closed pipe. In a session of its own, so that an interrupt from the keyboard does not reach it while a run still cleans up.
 */
export function spawnBound(
  file: string,
  args: readonly string[],
  { stdio, env }: { readonly stdio: StdioOptions; readonly env: NodeJS.ProcessEnv },
): ChildProcess {
  const [first = '', ...rest] = isInstalled('setpriv')
    ? ['setpriv', '--pdeathsig', 'TERM', '--', file, ...args]
    : [file, ...args];
  return spawn(first, rest, { detached: true, stdio, cwd: '/', env });
}

/** Whether a program is found in PATH. */
export function isInstalled(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => isProgram(join(folder, name)));
}

/** Whether this user may run that file. */
export function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
