import { stat } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { runTool } from '../programs/process.ts';
import { groupNumber } from './accounts.ts';
import { hasAcl } from './acl.ts';

/** A user, the members of a group, or everybody. */
export type Party =
  | { readonly kind: 'user'; readonly id: number }
  | { readonly kind: 'group'; readonly id: number }
  | { readonly kind: 'everybody' };

const read = 4;
const search = 1;

interface Asked {
  /** Absolute, without symbolic links. */
  readonly path: string;
  /** The same file by another name, which cannot come to mean another file. */
  readonly file: string;
  /** A file whose folders count as open. */
  readonly from: string;
}

/**
 * Whether the modes of a file, and of the folders above it, let somebody read it. What an access control list gives does not count.
 * @throws NodeJS.ErrnoException
 */
export async function mayRead(party: Party, { path, file, from }: Asked): Promise<boolean> {
  if (party.kind !== 'everybody' && party.id === 0) return true;
  const groups = party.kind === 'user' ? await groupsOf(party.id) : [];
  const allows = async (name: string, bit: number): Promise<boolean> => {
    const { uid, gid, mode } = await stat(name);
    if (party.kind === 'user' && uid === party.id) return (mode & (bit << 6)) !== 0;
    const member = party.kind === 'group' ? gid === party.id : groups.includes(gid);
    if (!member) return (mode & bit) !== 0;
    return (mode & (bit << 3)) !== 0 && !hasAcl(name);
  };
  for (let folder = dirname(path); folder !== sep && !from.startsWith(folder + sep); folder = dirname(folder))
    if (!(await allows(folder, search))) return false;
  return allows(file, read);
}

const known = new Map<number, Promise<readonly number[]>>();

/** Asked once: a process of ours does not live so long. An account that this machine does not know has none. */
function groupsOf(user: number): Promise<readonly number[]> {
  let found = known.get(user);
  if (!found) known.set(user, (found = askGroups(user)));
  return found;
}

async function askGroups(user: number): Promise<readonly number[]> {
  const options = { allowFailure: true, timeoutMs: 10_000 };
  const { stdout, exitCode } = await runTool('id', ['-G', '--', `+${user}`], options).catch(() => ({
    stdout: '',
    exitCode: 1,
  }));
  return exitCode === 0 ? stdout.trim().split(/\s+/).map(Number) : [];
}

/**
 * Who could have written what a file or block device says, beside root and this user: its owner, and everybody to whom its mode gives the
 * right to write. Members of the group `disk` can read and write whatever is on any disk: they count as root.
 */
export async function writersOf(path: string): Promise<Party[]> {
  const info = await stat(path);
  const { uid, gid, mode } = info;
  const asRoot = gid === 0 || (info.isBlockDevice() && gid === groupNumber('disk'));
  return [
    ...partiesOf([uid]),
    ...((mode & 0o020) !== 0 && !asRoot ? [{ kind: 'group', id: gid } as const] : []),
    // Whom an access control list names, it may let write.
    ...((mode & 0o002) !== 0 || ((mode & 0o020) !== 0 && hasAcl(path)) ? [{ kind: 'everybody' } as const] : []),
  ];
}

/** Users, without root and this one: what these name, they may read. */
export const partiesOf = (users: readonly number[]): Party[] =>
  [...new Set(users)]
    .filter((id) => id !== 0 && id !== process.geteuid?.())
    .map((id) => ({ kind: 'user', id }) as const);

/** For messages. */
export const nameOfParty = (party: Party): string =>
  party.kind === 'everybody' ? 'everybody' : `${party.kind === 'user' ? 'user' : 'members of group'} ${party.id}`;
