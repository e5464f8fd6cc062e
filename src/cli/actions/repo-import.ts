import { installSignals } from '../../engine/install-signals.ts';
import { importReport } from '../../view/reports/import-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  using signals = installSignals();
  const output = await hub.importRepository(context.args[0] ?? '', {
    forgetMissing: context.options['forgetMissing'] === true,
    signal: signals.gently,
  });
  print(context, output, (options) => importReport(output, options));
  return output.refused.length + (output.shared?.length ?? 0) > 0 ? 3 : 0;
}
