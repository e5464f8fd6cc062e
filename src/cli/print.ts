import type { SummaryOptions } from '../view/summary-options.ts';
import { columnsOf, exactly } from '../view/terminal.ts';
import type { CommandContext } from './command.ts';

/** The result of a command on standard output: one JSON line under --json, else as a person reads it. */
export function print(
  context: CommandContext,
  output: unknown,
  report: (options: SummaryOptions) => readonly string[],
): void {
  const { stdout, style } = context.terminal;
  if (context.global.json) return void exactly(stdout).write(`${JSON.stringify(output)}\n`);
  const lines = report({ style, columns: columnsOf(stdout) });
  if (lines.length > 0) stdout.write(`${lines.join('\n')}\n`);
}
