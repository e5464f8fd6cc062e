import { randomBytes } from 'node:crypto';
import type { Caller } from '../../api/caller.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { isName } from '../../plan/names.ts';
import type { NewTokenOutput, TokensOutput } from '../../schemas/types.ts';
import { addToken, listTokens, removeToken, useToken, type ApiToken } from '../../state/access/tokens.ts';
import type { State } from '../../state/database/open-state.ts';
import { callerOfGrant, checkedGrant, type Granted } from './granted.ts';

/** So that whoever finds one, a scanner of source code above all, sees what it is. */
const prefix = 'sds_';

export interface TokenRequest extends Granted {
  readonly name: string;
  /** Milliseconds since the epoch; null: never. */
  readonly expires: number | null;
  readonly by: string;
}

/** What scripts call the hub's API with. */
export interface Tokens {
  list(): TokensOutput;
  /** The only answer that has the secret. @throws SendenseError `usage`, `access.exists` */
  create(request: TokenRequest): NewTokenOutput;
  /** It is refused from now on. @throws SendenseError `access.token` */
  revoke(name: string): TokensOutput;
  /** Who has the secret of a token that is good. */
  callerOf(secret: string, address: string | null): Caller | undefined;
}

/** What logs call who has a token: a user may have the same name. */
export const callerName = (token: string): string => `token:${token}`;

export const manageTokens = (state: State): Tokens => ({
  list: () => shown(listTokens(state)),
  create({ name, expires, by, ...granted }) {
    if (!isName(name))
      throw new SendenseError('usage', `${JSON.stringify(name)} cannot be the name of a token`, {
        remedy: 'Use letters, digits, `.`, `_` and `-`, and begin with a letter or digit.',
      });
    const secret = `${prefix}${randomBytes(32).toString('base64url')}`;
    addToken(state, secret, { name, ...checkedGrant(granted), expires, createdBy: by });
    return { ...shown(listTokens(state).filter((token) => token.name === name)), secret };
  },
  revoke(name) {
    const gone = listTokens(state).filter((token) => token.name === name);
    removeToken(state, name);
    return shown(gone);
  },
  callerOf(secret, address) {
    const grantedNow = () => useToken(state, secret, address);
    const token = /^sds_[\w-]{43}$/.test(secret) ? grantedNow() : undefined;
    if (!token) return undefined;
    const name = callerName(token.name);
    return callerOfGrant({ kind: 'api-token', name, made: token.created, isFresh: () => true, grantedNow }, token);
  },
});

const shown = (tokens: readonly ApiToken[]): TokensOutput => ({
  version: 1,
  tokens: tokens.map(({ roles, vms, createdBy, ...token }) => ({
    ...token,
    roles: [...roles],
    vms: vms && [...vms],
    created_by: createdBy,
  })),
});
