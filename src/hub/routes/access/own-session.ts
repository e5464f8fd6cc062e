import type { Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import type { From } from '../../../state/access/sessions.ts';
import { fromOf, sessionSecret } from '../../access/session-cookie.ts';
import type { HubParts } from '../route.ts';

type Headed = Pick<Call<unknown>, 'peer' | 'secure' | 'header'>;

/** Where a request comes from. */
export const placeOf = ({ peer, header }: Pick<Headed, 'peer' | 'header'>): From => fromOf(peer, header('user-agent'));

/** The secret of the session that a request brings; empty: none. */
export const secretOf = ({ header, secure }: Pick<Headed, 'header' | 'secure'>): string =>
  sessionSecret(header('cookie'), secure) ?? '';

/** Id of the session that asks; null: a token asks. */
export const currentId = (call: Headed & Pick<Call<HubParts>, 'parts' | 'caller'>): string | null =>
  call.caller.kind === 'session' ? (call.parts.hub.access.idOf(secretOf(call), placeOf(call)) ?? null) : null;

/** Name of the user who asks. @throws SendenseError `access.right` for a token: it has no password and no sessions */
export function ownName({ caller }: Pick<Call<unknown>, 'caller'>): string {
  if (caller.kind === 'session') return caller.name;
  throw new SendenseError('access.right', `${caller.name} is no session: it has no password and no other sessions`, {
    remedy: 'Log in as a user. `sendense-run token` manages tokens.',
  });
}
