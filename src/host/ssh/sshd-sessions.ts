import { readdirSync, readFileSync } from 'node:fs';
import type { ProcessIdentity } from '../../schemas/types.ts';
import { argvOf, identityOf } from '../programs/process-identity.ts';

/**
 * The process of OpenSSH's sshd that serves the session in which `pid` runs, and that may be ended by the session's user
 * (the one without privileges, `sshd: USER@notty`); null where there is none.
 */
export function sshdSessionOf(pid: number): ProcessIdentity | null {
  for (let at = parentOf(pid); at > 1; at = parentOf(at)) if (isSession(at)) return identityOf(at);
  return null;
}

/** All connections of a user without a terminal: `sshd: USER@notty`, and `sshd: USER` where they carry forwards alone. */
export const sshdSessionsOfUser = (user: string): ProcessIdentity[] =>
  readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && [user, `${user}@notty`].includes(titleOf(Number(name)) ?? ''))
    .flatMap((name) => identityOf(Number(name)) ?? []);

const isSession = (pid: number): boolean => titleOf(pid)?.includes('@') ?? false;

/** What sshd writes over its command line: `sshd: sendense@notty`, since OpenSSH 9.8 `sshd-session: sendense@notty`. */
const titleOf = (pid: number): string | undefined => /^sshd(?:-session)?: (\S+)\s*$/.exec(argvOf(pid)[0] ?? '')?.[1];

function parentOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}
