import type { CommandContext } from '../command.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { vmNames } from '../completion/vm-names.ts';
import { zshCompletion } from '../completion/zsh.ts';

const shells: Readonly<Record<string, () => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export async function action({ args, global, terminal }: CommandContext): Promise<number> {
  const print = shells[args[0] ?? ''];
  terminal.stdout.write(
    print
      ? print()
      : vmNames(global.config)
          .map((name) => `${name}\n`)
          .join(''),
  );
  return 0;
}
