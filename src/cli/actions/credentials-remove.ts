import { credentialChange } from '../../view/reports/credentials-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = hub.credentials.remove(context.args[0] ?? '', context.options['force'] === true);
  print(context, output, (options) => credentialChange(output, 'is removed', options));
  return 0;
}
