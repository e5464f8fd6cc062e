import type { CommandContext } from '../command.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { zshCompletion } from '../completion/zsh.ts';

const shells: Readonly<Record<string, () => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export async function action({ args, terminal }: CommandContext): Promise<number> {
  terminal.stdout.write(shells[args[0] ?? '']?.() ?? '');
  return 0;
}
