import { lstatSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { groupName, isPrivateGroup, trustedUsers, userName } from './accounts.ts';
import { hasAcl } from './acl.ts';

/** Why what was found at a path must not decide anything, and the way out. */
export interface Distrust {
  readonly message: string;
  readonly remedy: string;
}

const longestChain = 40;

/** Whom a folder may belong to, and which group may write to it, beside root and this user. */
export interface Trusted {
  /** To whom files belong on that file system that this user makes there (NFS with root_squash). */
  readonly writer?: { readonly device: number; readonly uid: number } | undefined;
  /** `any`: the group of a file or folder does not count. */
  readonly group?: number | 'any' | undefined;
}

/**
 * Null where nobody but root and this user could have written what is at a path: the file, the links and folders on the way to it belong
 * to one of the two, and others cannot write to them. A file that is found decides what is run, so that it must not be somebody else's.
 *
 * - Under sudo the user who called it counts too, as for git (git-config(1), safe.directory).
 * - A group may write where nobody else is in it: Debian gives each user one, and a umask of 002. Not where an access control list may
 *   let others write by the same bit.
 * - A sticky folder (/tmp) is fine on the way, for nobody can put something else in the place of ours there. The folder of the file
 *   must not be one: relative paths count from it, and others can make what they name.
 *
 * Null as well for what is not there, or cannot be looked at: reading it says so.
 */
export const distrustOf = (file: string): Distrust | null => walk(file, 'file', {});

/**
 * As {@link distrustOf}, of a folder into which this user writes by name: nobody else may make, rename or remove a name in it. One that is
 * not there yet is fine if nobody else can make it.
 * @param writerIn says to whom a file belongs that this user makes in a folder; null: none can be made
 */
export function distrustOfFolder(
  folder: string,
  { group, writerIn }: Pick<Trusted, 'group'> & { readonly writerIn: (folder: string) => number | null },
): Distrust | null {
  const distrust = walk(folder, 'folder', { group });
  if (distrust === null) return null;
  const there = nearest(folder);
  const facts = statSync(there);
  if (trustedUsers().has(facts.uid)) return distrust;
  const uid = writerIn(there);
  return uid === facts.uid ? walk(folder, 'folder', { group, writer: { device: facts.dev, uid } }) : distrust;
}

/** The folder, or the nearest above it that is there. */
function nearest(folder: string): string {
  const isThere = statSync(folder, { throwIfNoEntry: false }) !== undefined;
  return isThere || dirname(folder) === folder ? folder : nearest(dirname(folder));
}

/** As {@link distrustOfFolder}, of the folder alone, whatever is above it. */
export const distrustOfFacts = (folder: string, facts: Stats, trusted: Trusted = {}): Distrust | null =>
  faultOf(folder, facts, trusted, 'folder');

function walk(path: string, kind: 'file' | 'folder', trusted: Trusted): Distrust | null {
  const rest = resolve(path).split('/').filter(Boolean);
  let links = 0;
  let at = '/';
  try {
    const root = faultOf(at, lstatSync(at), trusted, kind === 'folder' && rest.length === 0 ? kind : null);
    if (root) return root;
    for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
      if (name === '..') {
        at = dirname(at);
        continue;
      }
      const isLast = rest.length === 0;
      // Also for a link, whose own folder is the one that relative paths count from.
      const folder = kind === 'file' && isLast ? faultOf(at, lstatSync(at), trusted, 'file') : null;
      const next = join(at, name);
      const facts = lstatSync(next);
      const fault = faultOf(next, facts, trusted, kind === 'folder' && isLast ? kind : null) ?? folder;
      if (fault) return fault;
      if (!facts.isSymbolicLink()) {
        at = next;
        continue;
      }
      if ((links += 1) > longestChain)
        return { message: `${path} is a link without an end`, remedy: `Remove it: rm ${path}` };
      const target = readlinkSync(next);
      if (target.startsWith('/')) at = '/';
      rest.unshift(...target.split('/').filter((part) => part !== '' && part !== '.'));
    }
    return null;
  } catch {
    return null;
  }
}

const stickyRemedy = {
  file: 'Move it to a folder that only you can write to',
  folder: 'Choose a folder in it that only you can write to',
};

/** @param holds what of ours is in it: the file, or what we write into the folder; null: it is a file, or a folder above that one */
function faultOf(
  path: string,
  facts: Stats,
  { writer, group }: Trusted,
  holds: 'file' | 'folder' | null,
): Distrust | null {
  const { uid, gid, mode } = facts;
  const users = trustedUsers();
  const trusted = writer?.device === facts.dev ? new Set([writer.uid, ...users]) : users;
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
  const isGroupFine = group === 'any' || group === gid;
  if (facts.isDirectory() && (mode & 0o1000) !== 0 && (mode & (isGroupFine ? 0o002 : 0o022)) !== 0)
    return holds ? { message: `others can write to ${what}${path}`, remedy: stickyRemedy[holds] } : null;
  if ((mode & 0o002) !== 0)
    return { message: `everybody can write to ${what}${path}`, remedy: `If it is yours: chmod o-w ${path}` };
  if ((mode & 0o020) !== 0 && !isGroupFine && !isPrivateGroup(gid, trusted))
    return {
      message: `group ${groupName(gid)} can write to ${what}${path}`,
      remedy: `If it is yours: chmod g-w ${path}`,
    };
  if ((mode & 0o020) !== 0 && group !== 'any' && hasAcl(path))
    return {
      message: `the access control list of ${what}${path} may let others write`,
      remedy: `If it is yours: chmod g-w ${path}, or setfacl -b ${path}`,
    };
  return null;
}
