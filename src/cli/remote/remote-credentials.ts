import { SendenseError } from '../../errors/sendense-error.ts';
import type { CredentialsOutput, CredentialsTestOutput, HubCredentialTest } from '../../schemas/types.ts';
import { credentialChange, credentialsReport, credentialTestReport } from '../../view/reports/credentials-report.ts';
import { assertRotates, purposeOf, testStatus, userIn } from '../actions/credentials.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';
import { readPassword } from '../read-password.ts';
import type { HubConnection } from './hub-connection.ts';

const all = '/api/v1/credentials';
const at = (name: string): string => `${all}/${encodeURIComponent(name)}`;

export async function listCredentials(context: CommandContext, hub: HubConnection): Promise<number> {
  const output = await hub.ask<CredentialsOutput>(all);
  print(context, output, (options) => credentialsReport(output, options));
  return 0;
}

export async function addCredential(context: CommandContext, hub: HubConnection): Promise<number> {
  const [name = ''] = context.args;
  const user = userIn(context);
  const { credentials } = await hub.ask<CredentialsOutput>(all);
  if (credentials.some((one) => one.name === name))
    throw new SendenseError('credential.exists', `there is a credential ${name} already`);
  const body = { name, user, password: await readPassword(context, user) };
  tell(context, await hub.ask<CredentialsOutput>(all, { method: 'POST', body }), 'is stored');
  return 0;
}

export async function rotateCredential(context: CommandContext, hub: HubConnection): Promise<number> {
  const [name = ''] = context.args;
  assertRotates(context);
  // Before a password is asked for.
  const { credentials } = await hub.ask<CredentialsOutput>(all);
  const names = credentials.map((one) => one.name);
  if (!names.includes(name))
    throw new SendenseError(
      'credential.unknown',
      `there is no credential ${name}; there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ') || 'none'}`,
    );
  const body = { password: await readPassword(context, `credential ${name}`) };
  tell(context, await hub.ask<CredentialsOutput>(at(name), { method: 'PUT', body }), 'has a new password');
  return 0;
}

export async function removeCredential(context: CommandContext, hub: HubConnection): Promise<number> {
  const query = { force: context.options['force'] === true ? 'true' : undefined };
  const removed = await hub.ask<CredentialsOutput>(at(context.args[0] ?? ''), { method: 'DELETE', query });
  tell(context, removed, 'is removed');
  return 0;
}

export async function testCredential(context: CommandContext, hub: HubConnection): Promise<number> {
  const { source, node } = context.options as HubCredentialTest;
  const body = { source, node, purpose: purposeOf(context.options['for']) };
  const path = `${at(context.args[0] ?? '')}/test`;
  const output = await hub.ask<CredentialsTestOutput>(path, { method: 'POST', body });
  print(context, output, (options) => credentialTestReport(output, options));
  return testStatus(output);
}

const tell = (context: CommandContext, output: CredentialsOutput, what: string): void =>
  print(context, output, (options) => credentialChange(output, what, options));
