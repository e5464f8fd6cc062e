import { readFileSync } from 'node:fs';

/** Root, this user, and under sudo who called it. */
export function trustedUsers(): ReadonlySet<number> {
  const self = process.geteuid?.() ?? 0;
  const caller =
    self === 0 && /^[0-9]{1,10}$/.test(process.env['SUDO_UID'] ?? '') ? Number(process.env['SUDO_UID']) : 0;
  return new Set([0, caller, self]);
}

/** Whether all whom the files of this machine name as its members are trusted. A group that they do not name has members that nobody knows. */
export function isPrivateGroup(gid: number, trusted: ReadonlySet<number>): boolean {
  const users = accounts('/etc/passwd');
  const group = accounts('/etc/group').find((fields) => fields[2] === String(gid));
  if (!group) return false;
  const named = (group[3] ?? '').split(',').filter(Boolean);
  const members = users.filter(([name = '', , , primary]) => primary === String(gid) || named.includes(name));
  const known = members.map(([name]) => name);
  return members.every(([, , uid]) => trusted.has(Number(uid))) && named.every((name) => known.includes(name));
}

export const userName = (uid: number): string => nameOf('/etc/passwd', 'user', uid);
export const groupName = (gid: number): string => nameOf('/etc/group', '', gid);

function nameOf(file: '/etc/passwd' | '/etc/group', what: string, id: number): string {
  const name = accountName(file, id);
  return [what, name === undefined ? String(id) : `${name} (${id})`].filter(Boolean).join(' ');
}

/** The name of an id in passwd(5) or group(5). */
export const accountName = (file: '/etc/passwd' | '/etc/group', id: number): string | undefined =>
  accounts(file).find((fields) => fields[2] === String(id))?.[0];

/** The number of a group of group(5). */
export function groupNumber(name: string): number | undefined {
  const number = accounts('/etc/group').find(([known]) => known === name)?.[2];
  return number === undefined ? undefined : Number(number);
}

/** The lines of passwd(5) or group(5). */
function accounts(file: string): string[][] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}
