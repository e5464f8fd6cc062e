import { installSignals } from '../../engine/install-signals.ts';
import type { CommandContext } from '../command.ts';

/** Speaks on standard output; an error was told there, and goes to standard error too. */
export async function action(context: CommandContext): Promise<number> {
  await using hub = await context.openHub({ startFolder: process.cwd() });
  using signals = installSignals();
  await hub.care.receive({
    repository: context.args[0] ?? '',
    input: process.stdin,
    output: process.stdout,
    signal: signals.gently,
  });
  return 0;
}
