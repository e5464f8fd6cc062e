import { installSignals } from '../../engine/install-signals.ts';
import { upkeepReport } from '../../view/reports/upkeep-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  using signals = installSignals();
  const output = await hub.upkeep(signals.gently);
  print(context, output, (options) => upkeepReport(output, options));
  return output.troubles.length > 0 ? 3 : 0;
}
