import { readFile } from 'node:fs/promises';
import type { ProcessIdentity } from '../../schemas/types.ts';
import { argvOf, identityOf } from './process-identity.ts';

/**
 * The process that wrote a pid file, or null. It is the one that is meant only if its command line says so: it names that very pid file,
 * which has an id of ours in its path, and a later process with the same pid does not.
 */
export async function processOfPidFile(
  pidFile: string,
  isMeant: (argv: readonly string[]) => boolean,
): Promise<ProcessIdentity | null> {
  let text: string;
  try {
    text = await readFile(pidFile, 'utf8');
  } catch {
    return null;
  }
  const pid = Number(text.trim());
  if (!Number.isSafeInteger(pid) || pid < 2) return null;
  return isMeant(argvOf(pid)) ? identityOf(pid) : null;
}
