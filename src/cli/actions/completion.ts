import type { CommandContext } from '../command.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { sourceNames } from '../completion/source-names.ts';
import { vmNames } from '../completion/vm-names.ts';
import { zshCompletion } from '../completion/zsh.ts';

const shells: Readonly<Record<string, () => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

const names: Readonly<Record<string, (config: string | undefined) => string[]>> = {
  vms: vmNames,
  sources: sourceNames,
};

export async function action({ args, global, terminal }: CommandContext): Promise<number> {
  const [what = ''] = args;
  const lines = names[what]?.(global.config).map((name) => `${name}\n`) ?? [];
  terminal.stdout.write(shells[what]?.() ?? lines.join(''));
  return 0;
}
