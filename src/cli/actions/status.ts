import { statusReport } from '../../view/status-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = await hub.status();
  print(context, output, (options) => statusReport(output, options));
  return 0;
}
