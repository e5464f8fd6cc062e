import { listReport } from '../../view/list-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const vm = context.args[0];
  const output = await hub.list({ vm, repository: context.options['repository'] as string | undefined });
  print(context, output, (options) => listReport(output, vm, options));
  return 0;
}
