import { fit } from '../../view/text.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  const [point = ''] = context.args;
  const repository = context.options['repository'] as string | undefined;
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await hub.retention.unprotect({ point, repository });
  print(context, output, ({ columns }) => fit(`${point} of ${output.vm} is not protected`, columns));
  return 0;
}
