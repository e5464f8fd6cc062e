import { installSignals } from '../../engine/install-signals.ts';
import { recoverReport } from '../../view/reports/recover-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  using signals = installSignals();
  const output = await hub.recover({ signal: signals.gently, ended: context.options['ended'] as string | undefined });
  print(context, output, (options) => recoverReport(output, options));
  const unclean =
    output.runs.some(({ errors }) => errors.length > 0) || output.removals?.some(({ error }) => error !== null);
  return unclean ? 16 : 0;
}
