import { installSignals } from '../../engine/install-signals.ts';
import { credentialTestReport } from '../../view/reports/credentials-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  using signals = installSignals();
  const output = await hub.credentials.test({
    name: context.args[0] ?? '',
    source: context.options['source'] as string | undefined,
    node: context.options['node'] as string | undefined,
    signal: signals.gently,
  });
  print(context, output, (options) => credentialTestReport(output, options));
  if (!output.ok) return 1;
  return output.warnings.length > 0 ? 3 : 0;
}
