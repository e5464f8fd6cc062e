import { SendenseError } from '../errors/sendense-error.ts';
import { makeTokenFile, shortestToken } from '../host/node-api/bearer-token.ts';
import { readNamedFile } from '../host/files/named-file.ts';

/**
 * Reads the token from its file; makes the file, for this user only, where there is none.
 * @throws SendenseError `secret.unreadable`
 */
export async function tokenFrom(file: string): Promise<{ token: string; made: boolean }> {
  const made = await makeTokenFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new SendenseError('secret.unreadable', `the token file ${file} cannot be made (${cause.code})`, { cause });
  });
  return { token: await readToken(file), made };
}

/** @throws SendenseError `secret.unreadable` */
export async function readToken(file: string): Promise<string> {
  const token = (await textOf(file)).trim();
  if (token.length >= shortestToken) return token;
  throw new SendenseError(
    'secret.unreadable',
    `the token in ${file} has ${token.length} characters; at least ${shortestToken} are needed`,
  );
}

async function textOf(file: string): Promise<string> {
  try {
    return (await readNamedFile(file)).toString('utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new SendenseError('secret.unreadable', `the token file ${file} cannot be read (${code})`, { cause });
  }
}
