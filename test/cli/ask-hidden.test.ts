import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { askHidden } from '../../src/cli/ask-hidden.ts';
import { fakeStream } from '../view/fake-terminal.ts';

/** Types keys into a terminal of its own; answers what came out, and whether the terminal is as it was. */
async function typing(...keys: string[]): Promise<{ answer: unknown; shown: string; raw: boolean[] }> {
  const raw: boolean[] = [];
  const input = Object.assign(new PassThrough(), { setRawMode: (on: boolean) => raw.push(on) });
  const output = fakeStream();
  const asked = askHidden('password: ', input, output).catch((error: unknown) => error);
  for (const key of keys) input.write(key);
  return { answer: await asked, shown: output.text, raw };
}

describe('a hidden question', () => {
  it.each([
    [['secret', '\r'], 'secret'],
    [['s', 'e', 'x', '\u007f', 'cret', '\n'], 'secret'],
    [['wrong', '\u0015', 'pässwörd €\r', 'ignored'], 'pässwörd €'],
    [['\r'], ''],
  ])('%j is %j', async (keys, answer) => {
    expect(await typing(...keys)).toEqual({ answer, shown: 'password: \n', raw: [true, false] });
  });

  it.each(['\u0003', '\u0004'])('%j cancels it', async (key) => {
    expect(await typing(key)).toMatchObject({
      answer: expect.objectContaining({ code: 'run.cancelled' }) as unknown,
      raw: [true, false],
    });
  });
});
