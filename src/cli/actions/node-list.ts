import { nodesReport } from '../../view/reports/nodes-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.nodes.list();
  print(context, output, (options) => nodesReport(output, options));
  return 0;
}
