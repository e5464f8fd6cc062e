import { exactly } from '../../view/terminal.ts';
import type { CommandContext, NameKind } from '../command.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { repositoryNames } from '../completion/repository-names.ts';
import { sourceNames } from '../completion/source-names.ts';
import { vmNames } from '../completion/vm-names.ts';
import { zshCompletion } from '../completion/zsh.ts';

const shells: Readonly<Record<string, () => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** The state database is loaded only where it is asked. */
const names: Readonly<Record<NameKind, (config: string | undefined) => string[] | Promise<string[]>>> = {
  'vms': vmNames,
  'known-vms': async (config) => (await import('../completion/known-vm-names.ts')).knownVmNames(config),
  'sources': sourceNames,
  'repositories': repositoryNames,
  'boots': async (config) => (await import('../completion/boot-names.ts')).bootNames(config),
  'credentials': async (config) => (await import('../completion/credential-names.ts')).credentialNames(config),
};

export async function action(context: CommandContext): Promise<number> {
  const { args, global, terminal } = context;
  const [what = '', first = '', second = ''] = args;
  if (what === 'points' || what === 'places') {
    const { filePlaces, pointNames } = await import('../completion/file-places.ts');
    const found = what === 'points' ? pointNames(global.config, first) : await filePlaces(context, first, second);
    exactly(terminal.stdout).write(found.map((one) => `${one}\n`).join(''));
    return 0;
  }
  const ask = Object.hasOwn(names, what) ? names[what as NameKind] : () => [];
  const script = Object.hasOwn(shells, what) ? shells[what] : undefined;
  const lines = (await ask(global.config)).map((name) => `${name}\n`);
  exactly(terminal.stdout).write(script?.() ?? lines.join(''));
  return 0;
}
