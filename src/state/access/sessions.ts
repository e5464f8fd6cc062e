import { createHash, randomBytes } from 'node:crypto';
import type { State } from '../database/open-state.ts';
import type { SessionsTable } from '../database/tables.ts';

/** A session ends when nobody used it for so long, ms. */
export const idleMs = 30 * 60_000;
/** It ends so long after its login, however much it is used, ms. */
export const longestMs = 12 * 3_600_000;
/** Its last use is written down at most so often, ms. */
const touchMs = 60_000;

export type Session = Readonly<Omit<SessionsTable, 'digest'>>;

/** Where a request comes from. */
export interface From {
  readonly address: string | null;
  readonly agent: string | null;
}

const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** @param options.proven when the password was typed, ms since the epoch; default: now @returns what the browser keeps: nobody else has it, and the database only its digest */
export function beginSession(
  state: State,
  user: string,
  { address, agent }: From,
  { now = Date.now(), proven = now }: { readonly now?: number; readonly proven?: number } = {},
): string {
  const secret = randomBytes(32).toString('base64url');
  const id = randomBytes(9).toString('base64url');
  state.transaction(() => {
    forgetSessions(state, now);
    const values = { id, digest: digestOf(secret), user, created: now, proven, used: now, address, agent };
    state.run(state.query.insertInto('sessions').values(values));
  });
  return secret;
}

/** The session of who has the secret, unless it has ended. Writes down that it is used. */
export function useSession(
  state: State,
  secret: string,
  { address, agent }: From,
  now = Date.now(),
): Session | undefined {
  const all = state.query.selectFrom('sessions').selectAll().where('digest', '=', digestOf(secret));
  const found = state.first(all);
  if (!found || !isAlive(found, now)) return undefined;
  if (now - found.used >= touchMs)
    state.transaction(
      () =>
        state.run(state.query.updateTable('sessions').set({ used: now, address, agent }).where('id', '=', found.id)),
      'process',
    );
  const { digest: _digest, ...session } = found;
  return session;
}

/** A clock that was put back makes a session of the future, which nobody can judge. */
const isAlive = ({ created, used }: Pick<SessionsTable, 'created' | 'used'>, now: number): boolean =>
  created <= now && now - created < longestMs && now - used < idleMs;

/** The password was typed again. */
export const proveSession = (state: State, id: string, now = Date.now()): void =>
  void state.run(state.query.updateTable('sessions').set({ proven: now }).where('id', '=', id));

/** Those that go on, the newest first. @param user only of this one */
export function listSessions(state: State, user?: string, now = Date.now()): Session[] {
  let rows = state.query.selectFrom('sessions').selectAll().orderBy('created', 'desc');
  if (user !== undefined) rows = rows.where('user', '=', user);
  return state.all(rows).flatMap(({ digest: _digest, ...session }) => (isAlive(session, now) ? [session] : []));
}

/** @param only one, if it is of this user; or all of a user, but perhaps one @returns how many */
export function endSessions(
  state: State,
  only:
    | { readonly id: string; readonly user?: string | undefined }
    | { readonly user: string; readonly but?: string | undefined },
): number {
  let rows = state.query.deleteFrom('sessions');
  if (only.user !== undefined) rows = rows.where('user', '=', only.user);
  if ('id' in only) rows = rows.where('id', '=', only.id);
  else if (only.but !== undefined) rows = rows.where('id', '!=', only.but);
  return state.run(rows);
}

/** Those that have ended. */
const forgetSessions = (state: State, now: number): void =>
  void state.run(
    state.query
      .deleteFrom('sessions')
      .where((where) => where.or([where('created', '<', now - longestMs), where('used', '<', now - idleMs)])),
  );
