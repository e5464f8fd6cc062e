import { resolve } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { readSecret } from '../host/system/secret.ts';
import { exposureOf } from '../plan/yaml/exposed-secrets.ts';
import type { CommandContext } from './command.ts';

/**
 * The password of `credentials add` and `rotate`: from the file of --password-file, else typed on the terminal, else
 * standard input. Never an argument: those can be seen by every user of the machine.
 * @throws SendenseError `usage`, `secret.unreadable`
 */
export async function readPassword(context: CommandContext, whose: string): Promise<string> {
  const file = context.options['passwordFile'] as string | undefined;
  if (file !== undefined) {
    const exposed = exposureOf(resolve(file));
    if (exposed) context.terminal.stderr.write(`warning: ${exposed.message}: ${exposed.remedy}\n`);
    return oneLine(await readSecret({ secret: { file } }, process.cwd()), file);
  }
  if (context.askHidden) return typed(context.askHidden, whose);
  const input = Buffer.from(await context.readInput());
  const text = input.toString('utf8').replace(/\r?\n$/, '');
  input.fill(0);
  return oneLine(text, 'standard input');
}

async function typed(ask: (prompt: string) => Promise<string>, whose: string): Promise<string> {
  const password = await ask(`password of ${whose}: `);
  if (password === '') throw noPassword('nothing was typed');
  if ((await ask('again: ')) === password) return password;
  throw noPassword('the two passwords are not the same');
}

function oneLine(text: string, where: string): string {
  if (text === '') throw noPassword(`${where} is empty`);
  // eslint-disable-next-line no-control-regex
  if (/[\u0000\r\n]/.test(text)) throw noPassword(`${where} holds more than one line`);
  return text;
}

const noPassword = (why: string): SendenseError =>
  new SendenseError('usage', `no password: ${why}`, {
    remedy: 'Type it on a terminal, send it to standard input, or name its file with --password-file.',
  });
