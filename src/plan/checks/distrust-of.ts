import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { groupName, isPrivateGroup, trustedUsers, userName } from './accounts.ts';

/** Why what was found at a path must not decide anything, and the way out. */
export interface Distrust {
  readonly message: string;
  readonly remedy: string;
}

const longestChain = 40;

/**
 * Null where nobody but root and this user could have written what is at a path: the file, the links and folders on the way to it belong
 * to one of the two, and others cannot write to them. A file that is found decides what is run, so that it must not be somebody else's.
 *
 * - Under sudo the user who called it counts too, as for git (git-config(1), safe.directory).
 * - A group may write where nobody else is in it: Debian gives each user one, and a umask of 002.
 * - A sticky folder (/tmp) is fine on the way, for nobody can put something else in the place of ours there. The folder of the file
 *   must not be one: relative paths count from it, and others can make what they name.
 *
 * Null as well for what is not there, or cannot be looked at: reading it says so.
 */
export function distrustOf(file: string): Distrust | null {
  const trusted = trustedUsers();
  const rest = resolve(file).split('/').filter(Boolean);
  let links = 0;
  let at = '/';
  try {
    const root = faultOf(at, lstatSync(at), trusted, false);
    if (root) return root;
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      if (name === '..') {
        at = dirname(at);
        continue;
      }
      // Also for a link, whose own folder is the one that relative paths count from.
      const folder = rest.length === 0 ? faultOf(at, lstatSync(at), trusted, true) : null;
      const next = join(at, name);
      const facts = lstatSync(next);
      const fault = faultOf(next, facts, trusted, false) ?? folder;
      if (fault) return fault;
      if (!facts.isSymbolicLink()) {
        at = next;
        continue;
      }
      if ((links += 1) > longestChain)
        return { message: `${file} is a link without an end`, remedy: `Remove it: rm ${file}` };
      const target = readlinkSync(next);
      if (target.startsWith('/')) at = '/';
      rest.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'));
    }
    return null;
  } catch {
    return null;
  }
}

/** @param holds whether it is the folder of the file */
function faultOf(path: string, facts: Stats, trusted: ReadonlySet<number>, holds: boolean): Distrust | null {
  const { uid, gid, mode } = facts;
  const what = facts.isDirectory() ? 'the folder ' : facts.isSymbolicLink() ? 'the link ' : '';
  if (!trusted.has(uid)) {
    const link = facts.isSymbolicLink() ? '-h ' : '';
    return {
      message: `${what}${path} belongs to ${userName(uid)}, neither to you nor to root`,
      remedy: `If it is yours: chown ${link}${[...trusted].at(-1)} ${path}`,
    };
  }
  // The mode of a link means nothing.
  if (facts.isSymbolicLink()) return null;
  if (!facts.isDirectory() && !facts.isFile())
    return { message: `${path} is neither a file nor a folder`, remedy: `Remove it: rm ${path}` };
  if (facts.isDirectory() && (mode & 0o1000) !== 0 && (mode & 0o022) !== 0)
    return holds
      ? { message: `others can write to ${what}${path}`, remedy: 'Move it to a folder that only you can write to' }
      : null;
  if ((mode & 0o002) !== 0)
    return { message: `everybody can write to ${what}${path}`, remedy: `If it is yours: chmod o-w ${path}` };
  if ((mode & 0o020) !== 0 && !isPrivateGroup(gid, trusted))
    return {
      message: `group ${groupName(gid)} can write to ${what}${path}`,
      remedy: `If it is yours: chmod g-w ${path}`,
    };
  return null;
}
