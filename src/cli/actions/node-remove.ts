import { nodeChange } from '../../view/reports/nodes-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await hub.nodes.remove(context.args[0] ?? '');
  print(context, output, (options) => nodeChange(output, 'is removed; its key is refused from now on', options));
  return 0;
}
