import { SendenseError } from '../../errors/sendense-error.ts';
import { parseDuration } from '../../time/duration.ts';
import { nodeAddedReport } from '../../view/reports/nodes-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

const longestMs = 30 * 86_400_000;

export async function action(context: CommandContext): Promise<number> {
  const expiresMs = durationOf(context.options['expires'] as string);
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await hub.nodes.add({
    name: context.args[0] ?? '',
    expiresMs,
    again: context.options['again'] === true,
  });
  print(context, output, (options) => nodeAddedReport(output, options));
  return 0;
}

function durationOf(text: string): number {
  const ms = /^[0-9]{1,9}(ms|s|m|h|d)$/.test(text) ? parseDuration(text) : 0;
  if (ms > 0 && ms <= longestMs) return ms;
  throw new SendenseError('usage', `--expires ${text}: it must be a duration of at most 30d, for example 1h`);
}
