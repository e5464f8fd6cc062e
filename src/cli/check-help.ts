import { SendenseError } from '../errors/sendense-error.ts';
import { didYouMean } from '../errors/findings/did-you-mean.ts';
import type { CommandDefinition } from './command.ts';
import { commands } from './commands/index.ts';

/**
 * `help nope`: commander prints the help of the whole program, as if that were the answer.
 * @param words of the command line
 * @throws SendenseError `usage` where they ask for the help of a command that there is none of
 */
export function checkHelp(words: readonly string[]): void {
  const [first, ...asked] = words.filter((word) => !word.startsWith('-'));
  if (first !== 'help') return;
  let among: readonly CommandDefinition[] = commands;
  let above = '';
  for (const word of asked) {
    const found = among.find(({ name }) => name === word);
    if (!found) throw unknown(`${above}${word}`, word, above, among);
    if (!found.commands) return;
    among = found.commands;
    above += `${word} `;
  }
}

function unknown(path: string, word: string, above: string, among: readonly CommandDefinition[]): SendenseError {
  const names = among.filter(({ hidden }) => !hidden).map(({ name }) => name);
  const near = didYouMean(word, names);
  return new SendenseError(
    'usage',
    `there is no command ${path}${near === null ? '' : `; did you mean ${above}${near}?`}`,
    { remedy: `\`sendense-run ${above === '' ? '--help' : `${above}--help`}\` lists what there is.` },
  );
}
