import { nextSlotsReport } from '../../view/reports/schedule-report.ts';
import type { CommandContext } from '../command.ts';
import { countOption } from '../count-option.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  const count = countOption('--count', context.options['count']);
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = await hub.schedules.next(count, context.args[0]);
  print(context, output, (options) => nextSlotsReport(output, options));
  return 0;
}
