import { createInterface } from 'node:readline/promises';
import { SendenseError } from '../errors/sendense-error.ts';

/**
 * Asks on the terminal, with the question on standard error, so that standard output holds the result alone.
 * @throws SendenseError `run.cancelled` at Ctrl-C and Ctrl-D
 */
export async function askLine(prompt: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const stop = new AbortController();
  lines.once('SIGINT', () => stop.abort());
  lines.once('close', () => stop.abort());
  try {
    return await lines.question(prompt, { signal: stop.signal });
  } catch (cause) {
    process.stderr.write('\n');
    throw new SendenseError('run.cancelled', 'nothing was confirmed', { cause, remedy: 'Nothing was changed.' });
  } finally {
    lines.close();
  }
}
