import { SendenseError } from '../errors/sendense-error.ts';

/** What is needed of a terminal; `process.stdin` is one. */
export interface HiddenInput {
  setRawMode(raw: boolean): unknown;
  setEncoding(encoding: 'utf8'): unknown;
  on(event: 'data' | 'end', listener: (text: string) => void): unknown;
  off(event: 'data' | 'end', listener: (text: string) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/**
 * Asks on the terminal, with the question on standard error and nothing shown of what is typed.
 * @throws SendenseError `run.cancelled` at Ctrl-C, or at Ctrl-D with nothing typed
 */
export function askHidden(
  prompt: string,
  input: HiddenInput = process.stdin,
  output: { write(text: string): unknown } = process.stderr,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let typed = '';
  const finish = (): void => {
    input.off('data', read);
    input.off('end', end);
    input.setRawMode(false);
    input.pause();
    output.write('\n');
  };
  const done = (): void => (finish(), resolve(typed));
  const cancelled = (): void => (
    finish(),
    reject(new SendenseError('run.cancelled', 'no password was given', { remedy: 'Nothing was changed.' }))
  );
  const end = (): void => (typed === '' ? cancelled() : done());
  const read = (text: string): void => {
    for (const character of text) {
      if (character === '\r' || character === '\n') return done();
      if (character === '\u0003') return cancelled();
      if (character === '\u0004') return end();
      if (character === '\u0015') typed = '';
      else if (character === '\u007f' || character === '\b') typed = [...typed].slice(0, -1).join('');
      else typed += character;
    }
  };
  input.setRawMode(true);
  output.write(prompt);
  input.setEncoding('utf8');
  input.on('data', read);
  input.on('end', end);
  input.resume();
  return promise;
}
