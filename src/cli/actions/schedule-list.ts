import { schedulesReport } from '../../view/reports/schedule-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.schedules.list();
  print(context, output, (options) => schedulesReport(output, options));
  return 0;
}
