import { nodeChange } from '../../view/reports/nodes-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  const [name = '', to = ''] = context.args;
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = hub.nodes.rename(name, to);
  print(context, output, (options) => nodeChange(output, `was ${name} before`, options));
  return 0;
}
