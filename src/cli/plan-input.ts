import { resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';

/**
 * What `-` among the words of a command is called, absolute; undefined where nobody says (`--as FILE`).
 * @throws SendenseError `usage` for a name without `-`, and for several `-`
 */
export function nameOfInput(words: readonly string[], as: unknown): string | undefined {
  const inputs = words.filter((word) => word === '-').length;
  if (inputs > 1) throw usage('- stands for standard input, which there is once');
  if (inputs === 0 && as !== undefined) throw usage('--as is for a plan on standard input: -');
  return as === undefined ? undefined : resolve(String(as));
}

const usage = (message: string): SendenseError =>
  new SendenseError('usage', message, { remedy: 'See `sendense-run run --help`.' });
