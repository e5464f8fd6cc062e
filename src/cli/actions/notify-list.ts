import { channelsReport } from '../../view/reports/notify-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.notices.list();
  print(context, output, (options) => channelsReport(output, options));
  return 0;
}
