import { SendenseError } from '../../errors/sendense-error.ts';
import { adoptReport } from '../../view/reports/adopt-report.ts';
import type { CommandContext } from '../command.ts';
import { nameOfUser } from '../name-of-user.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  const [vm = ''] = context.args;
  const { identity = '', repository } = context.options as Readonly<Record<string, string | undefined>>;
  if (!/^[\x21-\x7e]{1,200}$/.test(identity))
    throw new SendenseError('usage', 'say which VM it is now: --identity UUID', {
      remedy: 'The refused backup names it; so does `sendense-run discover SOURCE --vm VM`.',
    });
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await hub.adopt({ vm, identity, repository, by: nameOfUser() });
  print(context, output, (options) => adoptReport(output, options));
  return 0;
}
