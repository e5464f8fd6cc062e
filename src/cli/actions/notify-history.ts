import { SendenseError } from '../../errors/sendense-error.ts';
import { noticesReport } from '../../view/reports/notify-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  const { number, plan } = context.options as { number: string; plan?: string };
  const limit = Number(number);
  if (!Number.isSafeInteger(limit) || limit < 1) throw new SendenseError('usage', `--number ${number} is not a number`);
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.notices.history({ limit, plan });
  print(context, output, (options) => noticesReport(output, options));
  return 0;
}
