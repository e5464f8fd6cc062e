import { SendenseError } from '../../errors/sendense-error.ts';
import { aboutAMinute, patiently } from './patiently.ts';
import type { LoginName, RefusedLogins } from './refused-logins.ts';
import type { SoapConnection } from './soap-connection.ts';
import type { Moref } from './xml.ts';

/** Who is logged in on a connection. */
export interface Session {
  /**
   * Logs in, once for all who ask at the same time, unless that happened since the session with the cookie `ended`; null: the
   * first time. Aborting ends the wait of this caller alone. A password that was refused is not tried again.
   * @throws SendenseError `vsphere.*`
   */
  login(ended: string | null, signal?: AbortSignal): Promise<void>;
  /** Nothing where nobody is logged in. */
  logout(): Promise<void>;
}

const loginMs = 60_000;
const logoutMs = 5_000;

export function sessionOf(
  soap: SoapConnection,
  account: LoginName & { readonly refused: RefusedLogins },
  manager: Moref,
  pauseMs: number,
): Session {
  let going: Promise<void> | null = null;

  const start = async (again: boolean): Promise<void> => {
    soap.cookie = '';
    const args = [
      ['userName', account.user],
      ['password', account.password],
    ] as const;
    await account.refused.attempt(account, () =>
      patiently(() => soap.post('Login', manager, args, { timeoutMs: loginMs }), {
        pauseMs,
        ...(again ? { attempts: aboutAMinute } : {}),
      }),
    );
    if (soap.cookie === '') throw new SendenseError('vsphere.protocol', 'Login was answered without a session cookie');
  };

  return {
    async login(ended, signal) {
      if (going === null) {
        // Without a cookie the last attempt failed.
        if (ended !== null && soap.cookie !== '' && ended !== soap.cookie) return;
        going = start(ended !== null).finally(() => (going = null));
      }
      await unlessAborted(going, signal);
    },
    async logout() {
      if (soap.cookie !== '') await soap.post('Logout', manager, [], { timeoutMs: logoutMs });
    },
  };
}

async function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
