import { installSignals } from '../../engine/install-signals.ts';
import { discoverReport } from '../../view/reports/discover-report.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

export async function action(context: CommandContext): Promise<number> {
  const { vm, folder, node, writePlan } = context.options as Record<string, string | true | undefined>;
  const textOf = (value: string | true | undefined): string | undefined => (value === true ? undefined : value);
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  using signals = installSignals();
  const output = await hub.discover({
    source: context.args[0] ?? '',
    vm: textOf(vm),
    folder: textOf(folder),
    node: textOf(node),
    plan: writePlan === undefined ? undefined : { folder: process.cwd(), file: textOf(writePlan) },
    signal: signals.gently,
  });
  print(
    context,
    output,
    (options) => output.plan_text?.trimEnd().split('\n') ?? discoverReport(output, options, vm !== undefined),
  );
  return 0;
}
