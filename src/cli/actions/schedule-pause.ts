import { schedulesReport } from '../../view/reports/schedule-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = hub.schedules.pause(context.args[0] ?? '', (context.options['reason'] as string | undefined) ?? null);
  print(context, output, (options) => schedulesReport(output, options));
  return 0;
}
