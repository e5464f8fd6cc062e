import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { didYouMean } from '../errors/findings/did-you-mean.ts';
import type { CommandContext } from './command.ts';
import { commands } from './commands/index.ts';

/**
 * The plan file that a word of the command line stands for.
 * @throws SendenseError `usage`, with what may have been meant
 */
export function planFile(name: string, { implied }: Pick<CommandContext, 'implied'>): string {
  // No file has a name with NUL.
  const found = name.includes('\0') ? undefined : statSync(name, { throwIfNoEntry: false });
  if (found?.isDirectory()) throw usage(`${name} is a folder, not a plan file`, plansIn(name).slice(0, 3));
  if (found) return resolve(name);
  const isPath = /[/\\.]/.test(name);
  const words = implied && !isPath ? commandWords() : [];
  const near =
    didYouMean(name, words) ??
    didYouMean(
      basename(name),
      plansIn(dirname(name)).map((file) => basename(file)),
    );
  const folder = dirname(name);
  const suggestion = near === null ? [] : [words.includes(near) || folder === '.' ? near : join(folder, near)];
  throw usage(implied && !isPath ? `no such command or plan file: ${name}` : `no such plan file: ${name}`, suggestion);
}

const commandWords = (): string[] => [...commands.map((command) => command.name), 'help'];

/** A word that is no command, and no plan that the hub elsewhere knows. */
export function noCommandOrPlan(name: string): SendenseError {
  const near = didYouMean(name, commandWords());
  return usage(`no such command, or plan that the hub knows: ${name}`, near === null ? [] : [near]);
}

const usage = (message: string, meant: readonly string[]): SendenseError =>
  new SendenseError('usage', meant.length > 0 ? `${message}; did you mean ${meant.join(', ')}?` : message, {
    remedy: 'See `sendense-run --help`.',
  });

function plansIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((file) => /\.ya?ml$/.test(file) && file !== 'sendense.yaml')
      .map((file) => join(folder, file));
  } catch {
    return [];
  }
}
