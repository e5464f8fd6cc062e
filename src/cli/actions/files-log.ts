import { filesLogReport } from '../../view/reports/files-log-report.ts';
import type { CommandContext } from '../command.ts';
import { countOption } from '../count-option.ts';
import { print } from '../print.ts';
import { sinceOf } from '../since.ts';

/** Who read which files. */
export async function action(context: CommandContext): Promise<number> {
  const { since, limit } = context.options as { readonly since?: string; readonly limit: string };
  const filter = {
    vm: context.args[0],
    since: since === undefined ? undefined : sinceOf(since),
    limit: countOption('--limit', limit),
  };
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.fileReads(filter);
  print(context, output, (options) => filesLogReport(output, options));
  return 0;
}
