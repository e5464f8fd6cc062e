import { listId } from '../../api/paging.ts';
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
  const { action: act } = options;
  const from = since === undefined ? undefined : sinceOf(since);
  const filter = { who, action: act, failed, since: from };
  // What comes next can be asked of the API.
  const asked = { who, action: act, outcome: failed === true ? 'failed' : undefined, since: from?.toString() };
  const page = { limit: countOption('--limit', limit), after: null, list: listId('audit', asked) };
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.audit.list(filter, page);
  print(context, output, (to) => auditReport(output, to));
  return 0;
}
