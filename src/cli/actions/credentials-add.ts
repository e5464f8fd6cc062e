import { SendenseError } from '../../errors/sendense-error.ts';
import { credentialChange } from '../../view/reports/credentials-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';
import { readPassword } from '../read-password.ts';

export async function action(context: CommandContext): Promise<number> {
  const [name = ''] = context.args;
  const user = context.options['user'] as string | undefined;
  if (user === undefined)
    throw new SendenseError('usage', 'the command does not name the user', {
      remedy: 'Name the user: --user backup@vsphere.local',
    });
  await using hub = await context.openHub({ startFolder: process.cwd() });
  hub.credentials.checkName(name, 'new');
  const output = hub.credentials.add(name, user, await readPassword(context, user));
  print(context, output, (options) => credentialChange(output, 'is stored', options));
  return 0;
}
