import type { AuthContext, Connection } from 'ssh2';
import type { State } from '../../state/database/open-state.ts';
import { checkKey, type Identity, type Verdict } from './check-key.ts';

/** Attempts of one connection: a client may offer a few keys. */
const mostAttempts = 6;

export interface LoginEnds {
  refuse(verdict: Extract<Verdict, { verdict: 'refuse' }>): void;
  /** It could not be judged. */
  failed(error: unknown): void;
  /** @param rttMs round trip of the line */
  accept(identity: Identity, rttMs: number): void;
}

/** Lets a connection prove who it is; calls one of `ends` for each attempt that counts. @param user the name under which all log in */
export function login(connection: Connection, state: State, user: string, { refuse, failed, accept }: LoginEnds): void {
  // The database may be of no use at this moment: that ends this connection, and not the program.
  const orEnd = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      failed(error);
    }
  };
  let attempts = 0;
  let identity: Identity | null = null;
  // An answer and the next attempt are a round trip, and what the client thinks about meanwhile: the shortest tells.
  let rttMs = Infinity;
  let answered = Infinity;
  const judge = (attempt: AuthContext): void => {
    rttMs = Math.min(rttMs, Math.max(0, performance.now() - answered) || Infinity);
    answered = performance.now();
    const verdict = checkKey(state, user, attempt);
    if (verdict.verdict === 'accept') identity = verdict.identity;
    if (verdict.verdict === 'accept' || verdict.verdict === 'prove') return attempt.accept();
    if (verdict.verdict === 'refuse') refuse(verdict);
    if (++attempts >= mostAttempts) return void connection.end();
    attempt.reject(['publickey']);
  };
  connection.on('authentication', (attempt) => orEnd(() => judge(attempt)));
  connection.on('ready', () =>
    orEnd(() => {
      if (identity) accept(identity, Number.isFinite(rttMs) ? rttMs : 0);
      else connection.end();
    }),
  );
}
