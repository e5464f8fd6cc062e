import { SendenseError } from '../../errors/sendense-error.ts';
import { historyReport } from '../../view/reports/history-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';
import { sinceOf } from '../since.ts';

const statuses = ['running', 'unwinding', 'succeeded', 'failed', 'cancelled', 'crashed'] as const;
type Status = (typeof statuses)[number];

export async function action(context: CommandContext): Promise<number> {
  const { plan, vm, since, daily } = context.options as { plan?: string; vm?: string; since?: string; daily?: boolean };
  const status = context.options['status'] as string[] | undefined;
  for (const name of status ?? [])
    if (!statuses.includes(name as Status))
      throw new SendenseError('usage', `--status ${name}: there is no such status`, {
        remedy: `Use one of ${statuses.join(', ')}.`,
      });
  const filter = {
    plan,
    vm,
    status: status as Status[] | undefined,
    since: since === undefined ? undefined : sinceOf(since),
    limit: limitOf(String(context.options['limit'])),
    daily,
  };
  if (daily && (vm !== undefined || status !== undefined))
    throw new SendenseError('usage', '--daily adds up all runs of a plan', { remedy: 'Remove --vm and --status.' });
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = await hub.history(filter);
  print(context, output, (options) => historyReport(output, options));
  return 0;
}

function limitOf(text: string): number {
  if (/^[1-9][0-9]{0,6}$/.test(text)) return Number(text);
  throw new SendenseError('usage', `--limit ${text} is not a number of lines`, {
    remedy: 'Write for example --limit 200.',
  });
}
