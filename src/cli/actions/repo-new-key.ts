import { randomBytes } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { fsyncFolder, writeNewFile } from '../../host/files/files.ts';
import { keyIdOf } from '../../repository/image-keys.ts';
import type { NewKeyOutput } from '../../schemas/types.ts';
import type { CommandContext } from '../command.ts';
import { print } from '../print.ts';

/** 256 bits: 44 characters of base64, and no newline, so that qemu-img itself can read the file as the key. */
const newKey = (): string => randomBytes(32).toString('base64');

export async function action(context: CommandContext): Promise<number> {
  const file = resolve(context.args[0] ?? '');
  const key = newKey();
  try {
    await writeNewFile(file, key, 0o600);
    await fsyncFolder(dirname(file));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new SendenseError('file.exists', `${file} exists already`, { remedy: 'Name a file that does not exist.' });
    throw new SendenseError('file.unreadable', `${file} cannot be written (${code})`, { cause: error });
  }
  const output: NewKeyOutput = { version: 1, file, key_id: keyIdOf(key) };
  print(context, output, ({ style }) => [
    `${style.bold(file)}  key ${output.key_id}`,
    'Keep a copy where the repository is not: without it nobody reads what it encrypts.',
  ]);
  return 0;
}
