import type { Hub } from '../hub/hub.ts';
import { printable } from '../view/text.ts';
import { unlistedText } from '../view/unlisted-text.ts';
import type { CommandContext } from './command.ts';

/** Says which restore points are left out because sendense.yaml does not name their repository any more. */
export function warnOfUnlisted({ terminal, global }: CommandContext, hub: Hub): void {
  if (global.quiet) return;
  for (const one of hub.unlisted())
    terminal.stderr.write(`${terminal.errorStyle.yellow('warning:')} ${printable(unlistedText(one))}\n`);
}
