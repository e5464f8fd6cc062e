import { toSendenseError } from '../../errors/sendense-error.ts';
import type { StatusOutput } from '../../schemas/types.ts';
import { nagiosUnknown, statusNagios } from '../../view/reports/status-nagios.ts';
import { statusReport } from '../../view/reports/status-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  const { options, global, terminal } = context;
  if (options['format'] === 'nagios') {
    const { line, exitCode } = await ask(context).then(statusNagios, (error: unknown) =>
      nagiosUnknown(toSendenseError(error).message),
    );
    terminal.stdout.write(`${line}\n`);
    return exitCode;
  }
  const output = await ask(context);
  const json = global.json || options['format'] === 'json';
  print({ ...context, global: { ...global, json } }, output, (how) => statusReport(output, how));
  return isAlarm(output) ? 1 : 0;
}

const isAlarm = ({ plans, repositories, stuck_prunes: stuck = [], in_future: future }: StatusOutput): boolean =>
  plans.some(
    ({ late, state, failing_since }) => late || state === 'gone' || failing_since !== null || state === 'failing',
  ) ||
  repositories.some(({ late_points: points }) => points > 0) ||
  stuck.length > 0 ||
  future.length > 0;

async function ask(context: CommandContext): Promise<StatusOutput> {
  const { vm, plans } = context.options as { vm?: string; plans?: string };
  await using hub = await context.openHub({ startFolder: plans ?? process.cwd(), readOnly: true });
  return await hub.status({ vm, plans });
}
