import { schedulesReport } from '../../view/reports/schedule-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = hub.schedules.resume(context.args[0] ?? '');
  print(context, output, (options) => schedulesReport(output, options));
  return 0;
}
