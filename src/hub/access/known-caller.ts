import { listTokens } from '../../state/access/tokens.ts';
import { findUser } from '../../state/access/users.ts';
import type { State } from '../../state/database/open-state.ts';
import { partsOfIdentity } from './granted.ts';
import { callerName } from './manage-tokens.ts';

/**
 * Whether the user or token still is there and is let in that a caller was (`Caller.identity`). Of others nothing is known here: of the
 * hub's own token, and of users of a proxy.
 */
export function isKnownCaller(state: State, identity: string, now: number): boolean {
  const parts = partsOfIdentity(identity);
  if (parts === null) return true;
  const { name, made } = parts;
  const token = listTokens(state).find((one) => callerName(one.name) === name);
  if (token) return token.created === made && (token.expires === null || token.expires > now);
  const user = findUser(state, name);
  return user?.created === made && user.disabled === null;
}
