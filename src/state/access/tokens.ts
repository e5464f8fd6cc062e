import { createHash } from 'node:crypto';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { State } from '../database/open-state.ts';

/** What a script calls the hub's API with. Its secret is nowhere: the database has a digest. */
export interface ApiToken {
  readonly name: string;
  readonly roles: readonly string[];
  /** Patterns; null: all VMs. */
  readonly vms: readonly string[] | null;
  readonly created: number;
  readonly createdBy: string;
  /** Milliseconds since the epoch; null: never. */
  readonly expires: number | null;
  /** Its last use; null: none. */
  readonly used: number | null;
  /** From where it was used last. */
  readonly address: string | null;
}

/** Its last use is written down at most so often, ms. */
const touchMs = 60_000;

/** A secret is 256 random bits: nobody finds one that fits a digest. */
const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** All, by name. */
export const listTokens = (state: State): ApiToken[] =>
  state
    .all(state.query.selectFrom('tokens').selectAll().orderBy('name'))
    .map(({ digest: _digest, roles, vms, created_by: createdBy, ...row }) => ({
      ...row,
      roles: JSON.parse(roles) as string[],
      vms: vms === null ? null : (JSON.parse(vms) as string[]),
      createdBy,
    }));

/** @throws SendenseError `access.exists` */
export const addToken = (state: State, secret: string, token: Omit<ApiToken, 'created' | 'used' | 'address'>): void =>
  state.transaction(() => {
    const { name, roles, vms, createdBy, expires } = token;
    if (listTokens(state).some((other) => other.name === name))
      throw new SendenseError('access.exists', `there is a token ${name} already`, {
        remedy: `Choose another name, or revoke it first: \`sendense-run token revoke ${name}\``,
      });
    const values = { name, digest: digestOf(secret), roles: JSON.stringify(roles), vms: vms && JSON.stringify(vms) };
    const dates = { created: Date.now(), created_by: createdBy, expires, used: null, address: null };
    state.run(state.query.insertInto('tokens').values({ ...values, ...dates }));
  });

/** The token with this secret, unless it has expired. Writes down that it is used. */
export function useToken(state: State, secret: string, address: string | null, now = Date.now()): ApiToken | undefined {
  const row = state.first(state.query.selectFrom('tokens').select('name').where('digest', '=', digestOf(secret)));
  const token = row && listTokens(state).find(({ name }) => name === row.name);
  if (!token || (token.expires !== null && token.expires <= now)) return undefined;
  if (token.used === null || Math.abs(now - token.used) >= touchMs)
    state.transaction(
      () => state.run(state.query.updateTable('tokens').set({ used: now, address }).where('name', '=', token.name)),
      'process',
    );
  return token;
}

/** @throws SendenseError `access.token` */
export function removeToken(state: State, name: string): void {
  if (state.run(state.query.deleteFrom('tokens').where('name', '=', name)) > 0) return;
  throw new SendenseError('access.token', `there is no token ${name}`);
}
