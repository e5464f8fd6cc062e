import { installSignals } from '../../engine/install-signals.ts';
import { sshdConfigReport } from '../../view/reports/sshd-config-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  const write = context.options['write'] === true;
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: !write });
  using signals = installSignals();
  const output = await hub.nodes.sshdConfig({
    check: context.options['check'] === true,
    write,
    configFile: context.options['sshdFile'] as string | undefined,
    signal: signals.gently,
  });
  print(context, output, (options) => sshdConfigReport(output, options));
  return output.differences.length > 0 ? 1 : 0;
}
