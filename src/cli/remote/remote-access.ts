import { SendenseError } from '../../errors/sendense-error.ts';
import type {
  NewTokenOutput,
  SessionsOutput,
  TokensOutput,
  UserSessionsOutput,
  UsersOutput,
} from '../../schemas/types.ts';
import { newTokenReport, tokenChange, tokensReport } from '../../view/reports/tokens-report.ts';
import { sessionsReport, userChange, usersReport } from '../../view/reports/users-report.ts';
import { endOf } from '../actions/token.ts';
import { assertOfWhom, noSession } from '../actions/user.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';
import { readPassword } from '../read-password.ts';
import type { HubConnection } from './hub-connection.ts';

const grantOf = ({
  options,
}: CommandContext): { readonly roles: readonly string[]; readonly vms: readonly string[] | null } => ({
  roles: (options['role'] as string[] | undefined) ?? [],
  vms: (options['vm'] as string[] | undefined) ?? null,
});

const userAt = (name: string): string => `/api/v1/users/${encodeURIComponent(name)}`;

export async function listUsers(context: CommandContext, hub: HubConnection): Promise<number> {
  const output = await hub.ask<UsersOutput>('/api/v1/users');
  print(context, output, (options) => usersReport(output, options));
  return 0;
}

export async function addUser(context: CommandContext, hub: HubConnection): Promise<number> {
  const [name = ''] = context.args;
  const password = await readPassword(context, name);
  const body = { name, password, ...grantOf(context) };
  const output = await hub.ask<UsersOutput>('/api/v1/users', { method: 'POST', body });
  print(context, output, (options) => userChange(output, 'may log in', options));
  return 0;
}

export async function setPassword(context: CommandContext, hub: HubConnection): Promise<number> {
  const [name = ''] = context.args;
  // Before a password is asked for.
  await hub.ask(userAt(name));
  const password = await readPassword(context, name);
  const output = await hub.ask<UsersOutput>(`${userAt(name)}/password`, { method: 'PUT', body: { password } });
  print(context, output, (options) => userChange(output, 'has a new password, and is logged out', options));
  return 0;
}

export const setRoles = (context: CommandContext, hub: HubConnection): Promise<number> =>
  changeUser(context, hub, {
    method: 'PUT',
    to: '/roles',
    body: grantOf(context),
    what: 'has new roles, and is logged out',
  });

export const disableUser = (context: CommandContext, hub: HubConnection): Promise<number> =>
  changeUser(context, hub, { method: 'POST', to: '/disable', what: 'may not log in any more, and is logged out' });

export const enableUser = (context: CommandContext, hub: HubConnection): Promise<number> =>
  changeUser(context, hub, { method: 'POST', to: '/enable', what: 'may log in again' });

export const removeUser = (context: CommandContext, hub: HubConnection): Promise<number> =>
  changeUser(context, hub, { method: 'DELETE', to: '', what: 'is removed, and logged out' });

interface UserChange {
  readonly method: 'PUT' | 'POST' | 'DELETE';
  readonly to: string;
  readonly body?: object;
  readonly what: string;
}

/** Changes the user as it is now. */
async function changeUser(
  context: CommandContext,
  hub: HubConnection,
  { method, to, body, what }: UserChange,
): Promise<number> {
  const at = userAt(context.args[0] ?? '');
  const { etag } = await hub.read(at);
  const output = await hub.ask<UsersOutput>(`${at}${to}`, {
    method,
    ...(body === undefined ? {} : { body }),
    ...(etag === undefined ? {} : { headers: { 'if-match': etag } }),
  });
  print(context, output, (options) => userChange(output, what, options));
  return 0;
}

export async function listTokens(context: CommandContext, hub: HubConnection): Promise<number> {
  const output = await hub.ask<TokensOutput>('/api/v1/tokens');
  print(context, output, (options) => tokensReport(output, options));
  return 0;
}

export async function createToken(context: CommandContext, hub: HubConnection): Promise<number> {
  const [name = ''] = context.args;
  const body = { name, expires: endOf(String(context.options['expires'])), ...grantOf(context) };
  const output = await hub.ask<NewTokenOutput>('/api/v1/tokens', { method: 'POST', body });
  print(context, output, (options) => newTokenReport(output, options));
  return 0;
}

export async function revokeToken(context: CommandContext, hub: HubConnection): Promise<number> {
  const [name = ''] = context.args;
  const output = await hub.ask<TokensOutput>(`/api/v1/tokens/${encodeURIComponent(name)}`, { method: 'DELETE' });
  print(context, output, (options) => tokenChange(output, 'is refused from now on', options));
  return 0;
}

export async function sessions(context: CommandContext, hub: HubConnection): Promise<number> {
  const [name] = context.args;
  const id = context.options['end'] as string | undefined;
  assertOfWhom(context);
  if (name !== undefined && context.options['endAll'] === true)
    await hub.ask(`${userAt(name)}/sessions`, { method: 'DELETE' });
  if (id !== undefined)
    await hub.ask(`/api/v1/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' }).catch((error: unknown) => {
      throw error instanceof SendenseError && error.code === 'access.session' ? noSession(id) : error;
    });
  // That there is no such user is an error.
  if (name !== undefined) await hub.ask(userAt(name));
  const { version, sessions: all } = await hub.ask<SessionsOutput>('/api/v1/sessions');
  const output: UserSessionsOutput = { version, sessions: all.filter(({ user }) => (name ?? user) === user) };
  print(context, output, (options) => sessionsReport(output, options));
  return 0;
}
