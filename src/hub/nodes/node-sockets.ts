import { chownSync, lstatSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';

/** Beside the state database: a folder of its owner alone, so that nobody else can answer in the place of a node. */
const folderOf = (statePath: string): string => join(dirname(statePath), 'node-sockets');

/** Where the API of a connected node answers on this hub, with the built-in SSH server. @param reversePort no other node of this hub has it */
export const nodeSocket = (statePath: string, reversePort: number): string =>
  join(folderOf(statePath), `${reversePort}.sock`);

/**
 * Makes the folder, and removes what is left there of a process that was killed.
 * @throws SendenseError `state.unusable` for a folder that others could have filled
 */
export function makeNodeSocketFolder(statePath: string): void {
  const folder = folderOf(statePath);
  const { uid, gid } = statSync(statePath);
  const own = process.geteuid?.();
  try {
    mkdirSync(folder, { mode: 0o700 });
    if (own === 0) chownSync(folder, uid, gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const facts = lstatSync(folder);
  if (!facts.isDirectory() || ![uid, own].includes(facts.uid) || (facts.mode & 0o077) !== 0)
    throw new SendenseError('state.unusable', `${folder} is not a folder of the hub's user alone`, {
      remedy: `Find out who made ${folder}, remove it, and start the hub again.`,
    });
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { force: true });
}
