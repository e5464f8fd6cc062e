import type { Hub } from '../hub/hub.ts';
import { printable } from '../view/text.ts';
import { unlistedText } from '../view/unlisted-text.ts';
import type { CommandContext } from './command.ts';

/** Says which restore points are left out because sendense.yaml does not name their repository any more. */
export function warnOfUnlisted(context: CommandContext, hub: Hub): void {
  const warn = warnOnce(context);
  for (const one of hub.unlisted()) warn(unlistedText(one));
}

/** Writes a warning beside what a command prints; the same text once. */
export function warnOnce({ terminal, global }: CommandContext): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (global.quiet || told.has(message)) return;
    told.add(message);
    terminal.stderr.write(`${terminal.errorStyle.yellow('warning:')} ${printable(message)}\n`);
  };
}
