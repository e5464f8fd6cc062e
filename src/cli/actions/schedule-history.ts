import type { SlotState } from '../../state/schedules/schedule-slots.ts';
import { slotsReport } from '../../view/reports/schedule-report.ts';
import type { CommandContext } from '../command.ts';
import { countOption } from '../count-option.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  const { args, options } = context;
  const limit = countOption('--count', options['count']);
  const state = options['state'] as SlotState | undefined;
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.schedules.history({ plan: args[0], limit, state });
  print(context, output, (how) => slotsReport(output, how));
  return 0;
}
