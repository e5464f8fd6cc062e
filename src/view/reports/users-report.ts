import type { UserSessionsOutput, UsersOutput } from '../../schemas/types.ts';
import { formatTime } from '../format.ts';
import type { SummaryOptions } from '../summary-options.ts';
import { foldedTable, printable } from '../text.ts';

/** One line a user. */
export function usersReport({ users }: UsersOutput, options: SummaryOptions): string[] {
  if (users.length === 0) return ['no users yet; make one with `sendense-run user add NAME --role admin`'];
  return withHead(
    ['NAME', 'ROLES', 'VMS', 'CHANGED', 'SESSIONS'],
    users.map(({ name, roles, vms, changed, sessions, disabled }) => [
      name,
      roles.join(', '),
      printable(vms?.join(', ') ?? 'all'),
      formatTime(changed),
      disabled === null ? String(sessions) : 'disabled',
    ]),
    options,
  );
}

/** One line a session. */
export function sessionsReport({ sessions }: UserSessionsOutput, options: SummaryOptions): string[] {
  if (sessions.length === 0) return ['nobody is logged in'];
  return withHead(
    ['ID', 'USER', 'SINCE', 'LAST USED', 'ADDRESS', 'BROWSER'],
    sessions.map(({ id, user, created, used, address, agent }) => [
      id,
      user,
      formatTime(created),
      formatTime(used),
      address ?? '?',
      printable(agent ?? '?'),
    ]),
    options,
  );
}

function withHead(head: string[], rows: string[][], { style, columns }: SummaryOptions): string[] {
  const [first = [], ...lines] = foldedTable([head, ...rows], columns);
  return [...first.map(style.bold), ...lines.flat()];
}

/** One sentence on what was done to a user. */
export const userChange = ({ users }: UsersOutput, what: string, { style }: SummaryOptions): string[] =>
  users.map(
    ({ name, roles }) => `${style.green(style.symbols.done)} user ${style.bold(name)} (${roles.join(', ')}) ${what}`,
  );
