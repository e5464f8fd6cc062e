import { rename, writeFile } from 'node:fs/promises';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import { isRefusal } from '../refused-logins.ts';
import type { TransportContext } from './transport.ts';

/** A file that holds the session's cookie of the moment, for a program that reads it again and again. */
export interface CookieFile extends AsyncDisposable {
  /** The server did not take the cookie: the session is renewed, once at a time. */
  refused(): void;
  /** Why the last renewal failed; null where it did not. */
  lastError(): string | null;
  /** The password was refused: there will be no other cookie. Null where it was not. */
  lastFault(): SendenseError | null;
}

/** After a renewal the program may use the old cookie for a while, and be refused for it, ms. */
const settleMs = 3000;

/** Others renew the session as well, ms. */
const lookMs = 5 * 60_000;

/** @param file in a folder of this user alone, which whoever calls removes; `onRefused`: the password was refused, and what fails now fails for good */
export async function keepCookieFile(
  context: Pick<TransportContext, 'cookie'>,
  file: string,
  onRefused: () => void = () => {},
): Promise<CookieFile> {
  let current = '';
  let renewedAt = -Infinity;
  let failure: SendenseError | null = null;
  let asking = false;
  let closed = false;
  let writing: Promise<void> = Promise.resolve();

  const put = (cookie: string): Promise<void> => {
    if (closed || cookie === current) return Promise.resolve();
    writing = write(file, cookie).then(() => void (current = cookie));
    return writing;
  };
  const update = async (refused?: string): Promise<void> => {
    if (asking || closed) return;
    asking = true;
    try {
      await put(await context.cookie(refused));
      if (refused !== undefined) renewedAt = performance.now();
      failure = null;
    } catch (error) {
      failure = toSendenseError(error);
      if (isRefusal(failure)) onRefused();
    } finally {
      asking = false;
    }
  };
  await put(await context.cookie());
  const timer = setInterval(() => void update(), lookMs).unref();
  return {
    refused: () => {
      if (performance.now() - renewedAt > settleMs) void update(current);
    },
    lastError: () => failure?.message ?? null,
    lastFault: () => (failure && isRefusal(failure) ? failure : null),
    [Symbol.asyncDispose]: async () => {
      closed = true;
      clearInterval(timer);
      await writing.catch(() => {});
    },
  };
}

async function write(file: string, cookie: string): Promise<void> {
  if (!/^[\x20-\x7e]+$/.test(cookie))
    throw new SendenseError('vsphere.protocol', "the session's cookie has characters that have no place in one");
  await writeFile(`${file}.new`, `${cookie}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
