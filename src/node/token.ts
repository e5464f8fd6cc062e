import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares the header `Authorization: Bearer …` with the token, in a time that says nothing about either. */
export function tokenCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(`Bearer ${token}`);
  return (authorization) => timingSafeEqual(digest(authorization ?? ''), expected);
}

/**
 * Reads the token from its file; makes the file, for this user only, where there is none.
 * @throws SendenseError `secret.unreadable`
 */
export async function tokenFrom(file: string): Promise<{ token: string; made: boolean }> {
  const made = await make(file);
  try {
    const token = made ?? (await readFile(file, 'utf8')).trim();
    if (token.length < 16)
      throw new SendenseError(
        'secret.unreadable',
        `the token in ${file} has ${token.length} characters; at least 16 are needed`,
      );
    return { token, made: made !== null };
  } catch (error) {
    if (error instanceof SendenseError) throw error;
    throw new SendenseError(
      'secret.unreadable',
      `the token file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`,
      { cause: error },
    );
  }
}

async function make(file: string): Promise<string | null> {
  const token = randomBytes(32).toString('base64url');
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${token}\n`, { flag: 'wx', mode: 0o600 });
    return token;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return null;
    throw new SendenseError('secret.unreadable', `the token file ${file} cannot be made (${code})`, { cause: error });
  }
}
