import { installSignals } from '../../engine/install-signals.ts';
import { notifyTestReport } from '../../view/reports/notify-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  using signals = installSignals();
  const output = await hub.notices.test(context.args[0], signals.gently);
  print(context, output, (options) => notifyTestReport(output, options));
  return output.ok ? 0 : 1;
}
