import { SendenseError } from '../../errors/sendense-error.ts';
import { credentialChange, rotatedKeyReport } from '../../view/reports/credentials-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';
import { readPassword } from '../read-password.ts';

export async function action(context: CommandContext): Promise<number> {
  const [name] = context.args;
  const newKey = context.options['key'] === true;
  if (newKey === (name !== undefined) || (newKey && context.options['passwordFile'] !== undefined))
    throw new SendenseError('usage', 'say which credential gets a new password, or --key for a new key of all', {
      remedy: '`sendense-run credentials rotate NAME` or `sendense-run credentials rotate --key`',
    });
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
