import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import {
  credentialChange,
  credentialTestReport,
  credentialsReport,
  rotatedKeyReport,
} from '../../view/reports/credentials-report.ts';
import type { CredentialsTestOutput } from '../../schemas/types.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';
import { readPassword } from '../read-password.ts';

export async function add(context: CommandContext): Promise<number> {
  const [name = ''] = context.args;
  const user = userIn(context);
  await using hub = await context.openHub({ startFolder: process.cwd() });
  hub.credentials.checkName(name, 'new');
  const output = hub.credentials.add(name, user, await readPassword(context, user));
  print(context, output, (options) => credentialChange(output, 'is stored', options));
  return 0;
}

/** @throws SendenseError `usage` */
export function userIn({ options }: CommandContext): string {
  if (options['user'] !== undefined) return String(options['user']);
  throw new SendenseError('usage', 'the command does not name the user', {
    remedy: 'Name the user: --user backup@vsphere.local',
  });
}

export async function list(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.credentials.list();
  print(context, output, (options) => credentialsReport(output, options));
  return 0;
}

export async function remove(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = hub.credentials.remove(context.args[0] ?? '', context.options['force'] === true);
  print(context, output, (options) => credentialChange(output, 'is removed', options));
  return 0;
}

export async function rotate(context: CommandContext): Promise<number> {
  const [name] = context.args;
  assertRotates(context);
  await using hub = await context.openHub({ startFolder: process.cwd() });
  if (name === undefined) {
    const output = hub.credentials.rotateKey();
    print(context, output, (options) => rotatedKeyReport(output, options));
    return 0;
  }
  hub.credentials.checkName(name, 'known');
  const output = hub.credentials.changePassword(name, await readPassword(context, `credential ${name}`));
  print(context, output, (options) => credentialChange(output, 'has a new password', options));
  return 0;
}

/** One credential gets a new password, or all of them a new key. @throws SendenseError `usage` */
export function assertRotates({ args: [name], options }: CommandContext): void {
  const newKey = options['key'] === true;
  if (newKey !== (name !== undefined) && !(newKey && options['passwordFile'] !== undefined)) return;
  throw new SendenseError('usage', 'say which credential gets a new password, or --key for a new key of all', {
    remedy: '`sendense-run credentials rotate NAME` or `sendense-run credentials rotate --key`',
  });
}

export function purposeOf(given: unknown): 'backup' | 'restore' {
  if (given === undefined || given === 'backup') return 'backup';
  if (given === 'restore') return 'restore';
  throw new SendenseError('usage', `--for ${String(given)} is neither backup nor restore`, {
    remedy: 'Write `--for restore`, or leave the option out.',
  });
}

export async function test(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  using signals = installSignals();
  const output = await hub.credentials.test({
    name: context.args[0] ?? '',
    source: context.options['source'] as string | undefined,
    node: context.options['node'] as string | undefined,
    purpose: purposeOf(context.options['for']),
    signal: signals.gently,
  });
  print(context, output, (options) => credentialTestReport(output, options));
  return testStatus(output);
}

export const testStatus = ({ ok, warnings }: CredentialsTestOutput): number => {
  if (!ok) return 1;
  return warnings.length > 0 ? 3 : 0;
};
