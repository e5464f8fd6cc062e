import { createHmac, randomBytes } from 'node:crypto';
import { SendenseError } from '../../errors/sendense-error.ts';
import { faultOf } from './fault.ts';

/** Who logs in where. */
export interface LoginName {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/**
 * Passwords that were refused, of all sessions and transports of a process. A password that was refused is not tried
 * again: after about five tries vSphere locks the account, for everybody who uses it.
 */
export interface RefusedLogins {
  /**
   * Logs in by `login`, unless this password was refused lately. Logins of one account wait for each other, so that of
   * several at once one is refused.
   * @throws SendenseError `vsphere.login` that names user and host; what `login` throws
   */
  attempt<T>(who: LoginName, login: () => Promise<T>): Promise<T>;
  /** Another process of ours was refused. */
  note(who: LoginName): void;
  /** How this password was refused; null where it was not, or not lately. */
  refusal(who: LoginName): SendenseError | null;
}

/** The same password may be right again, ms: the account is unlocked, or gets that password back. */
const rememberedMs = 5 * 60_000;

const faults: readonly string[] = ['InvalidLogin', 'PasswordExpired'];

/** @param now in ms; default: a clock that only goes on */
export function refusedLogins(now: () => number = () => performance.now()): RefusedLogins {
  // A password stays no longer in memory than its session.
  const key = randomBytes(32);
  const nameOf = (who: LoginName): string =>
    createHmac('sha256', key)
      .update(JSON.stringify([who.host.toLowerCase(), who.port, who.user, who.password]))
      .digest('hex');
  const known = new Map<string, { readonly at: number; readonly error: SendenseError }>();
  const going = new Map<string, Promise<unknown>>();

  const refusal = (who: LoginName): SendenseError | null => {
    const name = nameOf(who);
    const found = known.get(name);
    if (found && now() - found.at < rememberedMs) return found.error;
    known.delete(name);
    return null;
  };
  const keep = (who: LoginName, error: SendenseError): SendenseError => {
    known.set(nameOf(who), { at: now(), error });
    return error;
  };
  const attemptNow = async <T>(who: LoginName, login: () => Promise<T>): Promise<T> => {
    const before = refusal(who);
    if (before) throw before;
    try {
      return await login();
    } catch (cause) {
      throw isRefusal(cause) ? keep(who, refused(who, cause)) : cause;
    }
  };
  return {
    refusal,
    note: (who) => void keep(who, refused(who)),
    attempt: async (who, login) => {
      const name = nameOf(who);
      const mine = (going.get(name) ?? Promise.resolve()).then(
        () => attemptNow(who, login),
        () => attemptNow(who, login),
      );
      going.set(name, mine);
      try {
        return await mine;
      } finally {
        if (going.get(name) === mine) going.delete(name);
      }
    },
  };
}

/** Whether a server refused user and password, and not a session or a privilege. */
export const isRefusal = (error: unknown): error is SendenseError =>
  error instanceof SendenseError &&
  (faults.includes(faultOf(error)?.name ?? '') || Boolean(error.details?.['refused']));

/** The error of a refused password: it is about the password, whatever was to be done with it. */
function refused({ host, port, user }: LoginName, cause?: SendenseError): SendenseError {
  const why = cause ? `: ${cause.message}` : '';
  return new SendenseError(
    'vsphere.login',
    `${host}:${port} refuses the user ${user} with this password${why}. Sendense does not try again, because vSphere locks accounts`,
    // `vddk`: its library was, which has reasons of its own.
    { cause, details: { ...cause?.details, refused: cause?.details?.['refused'] ?? true, user, host } },
  );
}
