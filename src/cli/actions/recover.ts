import { installSignals } from '../../engine/install-signals.ts';
import { recoverReport } from '../../view/recover-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  using signals = installSignals();
  const output = await hub.recover(signals.gently);
  print(context, output, (options) => recoverReport(output, options));
  return output.runs.some(({ errors }) => errors.length > 0) ? 16 : 0;
}
