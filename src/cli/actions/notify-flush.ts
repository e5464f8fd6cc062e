import { installSignals } from '../../engine/install-signals.ts';
import { notifyFlushReport } from '../../view/reports/notify-report.ts';
import { printable } from '../../view/text.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

/** How long it waits for the next attempt of one that failed, ms. */
const waitMs = 10_000;

export async function action(context: CommandContext): Promise<number> {
  const { terminal } = context;
  await using hub = await context.openHub({ startFolder: process.cwd() });
  using signals = installSignals();
  const said = new Set<string>();
  const output = await hub.notices.flush({
    signal: signals.gently,
    waitMs,
    warn: (message) => {
      if (!said.has(message))
        terminal.stderr.write(`${terminal.errorStyle.yellow('warning:')} ${printable(message)}\n`);
      said.add(message);
    },
  });
  signals.gently.throwIfAborted();
  print(context, output, () => notifyFlushReport(output));
  return output.waiting > 0 ? 1 : 0;
}
