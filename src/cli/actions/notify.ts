import { installSignals } from '../../engine/install-signals.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import {
  channelsReport,
  noticesReport,
  notifyFlushReport,
  notifyTestReport,
} from '../../view/reports/notify-report.ts';
import { printable } from '../../view/text.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

/** How long it waits for the next attempt of one that failed, ms. */
const waitMs = 10_000;

export async function flush(context: CommandContext): Promise<number> {
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

export async function history(context: CommandContext): Promise<number> {
  const { number, plan } = context.options as { number: string; plan?: string };
  const limit = Number(number);
  if (!Number.isSafeInteger(limit) || limit < 1) throw new SendenseError('usage', `--number ${number} is not a number`);
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.notices.history({ limit, plan });
  print(context, output, (options) => noticesReport(output, options));
  return 0;
}

export async function list(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  const output = hub.notices.list();
  print(context, output, (options) => channelsReport(output, options));
  return 0;
}

export async function test(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd(), readOnly: true });
  using signals = installSignals();
  const output = await hub.notices.test(context.args[0], signals.gently);
  print(context, output, (options) => notifyTestReport(output, options));
  return output.ok ? 0 : 1;
}
