import { SendenseError } from '../../errors/sendense-error.ts';
import type { Granted } from '../../hub/access/granted.ts';
import { sessionsReport, userChange, usersReport } from '../../view/reports/users-report.ts';
import type { CommandContext } from '../command.ts';
import { noted } from '../noted.ts';
import { print } from '../print.ts';
import { readPassword } from '../read-password.ts';

const grantedBy = ({ options }: CommandContext): Granted => ({
  roles: (options['role'] as string[] | undefined) ?? [],
  vms: (options['vm'] as string[] | undefined) ?? null,
});

const factsOf = (granted: Granted): Record<string, string> => ({
  roles: granted.roles.join(' '),
  ...(granted.vms && { vms: granted.vms.join(' ') }),
});

export async function add(context: CommandContext): Promise<number> {
  const [name = ''] = context.args;
  await using hub = await context.openHub({ startFolder: process.cwd() });
  hub.access.checkName(name, 'new');
  hub.access.checkGranted(grantedBy(context));
  const typed = await readPassword(context, name);
  const facts = { user: name, ...factsOf(grantedBy(context)) };
  const output = await noted(hub, 'addUser', facts, () => hub.access.addUser(name, typed, grantedBy(context)));
  print(context, output, (options) => userChange(output, 'may log in', options));
  return 0;
}

export async function list(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.access.users();
  print(context, output, (options) => usersReport(output, options));
  return 0;
}

export async function password(context: CommandContext): Promise<number> {
  const [name = ''] = context.args;
  await using hub = await context.openHub({ startFolder: process.cwd() });
  hub.access.checkName(name, 'known');
  const typed = await readPassword(context, name);
  const output = await noted(hub, 'setPassword', { user: name }, () => hub.access.setPassword(name, typed));
  print(context, output, (options) => userChange(output, 'has a new password, and is logged out', options));
  return 0;
}

export async function roles(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const [name = ''] = context.args;
  const facts = { user: name, ...factsOf(grantedBy(context)) };
  const output = await noted(hub, 'setRoles', facts, () => hub.access.setRoles(name, grantedBy(context)));
  print(context, output, (options) => userChange(output, 'has new roles, and is logged out', options));
  return 0;
}

export const disable = (context: CommandContext): Promise<number> =>
  switchUser(context, { action: 'disableUser', disabled: true, what: 'may not log in any more, and is logged out' });

export const enable = (context: CommandContext): Promise<number> =>
  switchUser(context, { action: 'enableUser', disabled: false, what: 'may log in again' });

async function switchUser(
  context: CommandContext,
  { action, disabled, what }: { readonly action: string; readonly disabled: boolean; readonly what: string },
): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const [name = ''] = context.args;
  const output = await noted(hub, action, { user: name }, () => hub.access.setDisabled(name, disabled));
  print(context, output, (options) => userChange(output, what, options));
  return 0;
}

export async function remove(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const [name = ''] = context.args;
  const output = await noted(hub, 'removeUser', { user: name }, () => hub.access.removeUser(name));
  print(context, output, (options) => userChange(output, 'is removed, and logged out', options));
  return 0;
}

export async function sessions(context: CommandContext): Promise<number> {
  const [name] = context.args;
  const id = context.options['end'] as string | undefined;
  const all = context.options['endAll'] === true;
  assertOfWhom(context);
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: id === undefined && !all });
  if (all && name !== undefined)
    await noted(hub, 'endSessions', { user: name }, () => hub.access.endSessions({ user: name }));
  if (id !== undefined && (await noted(hub, 'endSessions', { id }, () => hub.access.endSessions({ id }))) === 0)
    throw noSession(id);
  const output = hub.access.sessions(name);
  print(context, output, (options) => sessionsReport(output, options));
  return 0;
}

/** @throws SendenseError `usage` */
export function assertOfWhom({ args: [name], options }: CommandContext): void {
  if (options['endAll'] !== true || name !== undefined) return;
  throw new SendenseError('usage', '--end-all does not say of whom', {
    remedy: 'Name the user: `sendense-run user sessions NAME --end-all`',
  });
}

export const noSession = (id: string): SendenseError =>
  new SendenseError('usage', `there is no session ${JSON.stringify(id)}`, {
    remedy: '`sendense-run user sessions` lists the sessions.',
  });
