import { resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { readSecret } from '../../host/system/secret.ts';
import { exposureOf } from '../../plan/yaml/exposed-secrets.ts';
import type { CommandContext } from '../command.ts';

/** The passphrase in a file, without the newline at its end. @throws SendenseError `secret.unreadable`, `usage` */
export async function passphraseIn(context: CommandContext, file: string): Promise<string> {
  const exposed = exposureOf(resolve(file));
  if (exposed) context.terminal.stderr.write(`warning: ${exposed.message}: ${exposed.remedy}\n`);
  const text = await readSecret({ secret: { file } }, process.cwd());
  if (text !== '') return text;
  throw new SendenseError('usage', `no passphrase: ${file} is empty`);
}
