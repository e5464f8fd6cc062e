import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { GcOutput } from '../../schemas/types.ts';
import { gcReport } from '../../view/reports/gc-report.ts';
import type { CommandContext } from '../command.ts';
import { confirmed } from '../confirmed.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  const { dryRun = false, yes = false, purge = false } = context.options as Record<string, boolean | undefined>;
  const repository = context.args[0];
  if (!dryRun && !yes && !context.askLine)
    throw new SendenseError('usage', 'say --yes, or --dry-run to see what would be removed');
  using signals = installSignals();
  const request = { repository, purge, signal: signals.gently };
  const show = (output: GcOutput): void => print(context, output, (options) => gcReport(output, options));
  if (dryRun || !yes) {
    await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
    const output = await hub.care.gc({ ...request, dryRun: true });
    if (dryRun || isNothing(output)) {
      show(output);
      return statusOf(output);
    }
    print({ ...context, global: { ...context.global, json: false } }, output, (options) => gcReport(output, options));
    if (!(await confirmed(context, purge ? 'Remove this for good?' : 'Put this aside?'))) return 0;
  }
  await using hub = await context.openHub({ startFolder: process.cwd() });
  const output = await hub.care.gc({ ...request, dryRun: false });
  show(output);
  return statusOf(output);
}

const isNothing = ({ repositories }: GcOutput): boolean =>
  repositories.every(({ removed, expired }) => removed.length === 0 && expired.length === 0);

/** Where a VM was not judged, that is a warning. */
const statusOf = ({ repositories }: GcOutput): number =>
  repositories.some(({ skipped }) => skipped.length > 0) ? 3 : 0;
