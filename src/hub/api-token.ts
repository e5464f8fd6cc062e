import { lstat } from 'node:fs/promises';
import { SendenseError } from '../errors/sendense-error.ts';
import { makeTokenFile, shortestToken } from '../host/node-api/bearer-token.ts';
import { readNamedFile } from '../host/files/named-file.ts';

/** The token of the hub's API; made, for this user alone, where there is none. @throws SendenseError `secret.unreadable` */
export async function apiTokenFrom(file: string): Promise<string> {
  try {
    await makeTokenFile(file);
    const { mode } = await lstat(file);
    if ((mode & 0o077) !== 0) throw unreadable(file, `has mode ${(mode & 0o777).toString(8)}: others can read it`);
    const token = (await readNamedFile(file)).toString('utf8').trim();
    if (token.length < shortestToken)
      throw unreadable(file, `has ${token.length} characters; at least ${shortestToken} are needed`);
    return token;
  } catch (cause) {
    if (cause instanceof SendenseError) throw cause;
    throw unreadable(file, `cannot be read or made (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
}

const unreadable = (file: string, why: string, cause?: unknown): SendenseError =>
  new SendenseError('secret.unreadable', `the token of the hub's API in ${file} ${why}`, cause ? { cause } : {});
