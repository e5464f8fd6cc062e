import { auditReport } from '../../view/reports/audit-report.ts';
import type { CommandContext } from '../command.ts';
import { countOption } from '../count-option.ts';
import { print } from '../print.ts';
import { sinceOf } from '../since.ts';

/** Who changed what, who logged in, and who read which files. */
export async function action(context: CommandContext): Promise<number> {
  const { who, since, failed, limit, ...options } = context.options as {
    readonly who?: string;
    readonly action?: string;
    readonly since?: string;
    readonly failed?: boolean;
    readonly limit: string;
  };
  const filter = { who, action: options.action, failed, since: since === undefined ? undefined : sinceOf(since) };
  const page = { limit: countOption('--limit', limit), after: null };
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.audit.list(filter, page);
  print(context, output, (to) => auditReport(output, to));
  return 0;
}
