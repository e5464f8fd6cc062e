import { callerWith } from '../../api/caller.ts';
import { bearerOf, type Door } from '../../api/door.ts';
import { publicRight } from '../../api/route.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { bearerCheck } from '../../host/node-api/bearer-token.ts';
import type { Access } from './manage-access.ts';
import type { Tokens } from './manage-tokens.ts';
import { allRights, type Right } from './rights.ts';
import { assertOwnHost, assertSameOrigin } from './same-origin.ts';
import { fromOf, sessionSecret } from './session-cookie.ts';

export interface HubDoorOptions {
  /** Of `hub: apiToken`: may do everything. */
  readonly token: string;
  /** Of `hub: metricsToken`: may read figures. */
  readonly metricsToken: string;
  readonly access: Pick<Access, 'callerOf'>;
  readonly apiTokens: Pick<Tokens, 'callerOf'>;
}

const reading = new Set(['GET', 'HEAD']);

/** Knows who may call the hub's API. */
export function hubDoor({ token, metricsToken, access, apiTokens }: HubDoorOptions): Door {
  const tokens = [
    { isIt: bearerCheck(token), caller: callerWith('file-token', 'hub-api.token', allRights) },
    {
      isIt: bearerCheck(metricsToken),
      caller: callerWith('file-token', 'hub-metrics.token', new Set<Right>(['figures'])),
    },
  ];
  return {
    // No page of another site knows a token.
    admit: ({ headers, routeOptions }) => {
      const isPublic = routeOptions?.config?.route?.right === publicRight;
      if (headers.authorization === undefined || isPublic) assertOwnHost(headers);
    },
    callerOf: ({ method, headers, socket }) => {
      const { authorization, cookie } = headers;
      // All are asked: how long it takes says nothing.
      if (authorization !== undefined) {
        const [known] = tokens.filter(({ isIt }) => isIt(authorization));
        return known?.caller ?? apiTokens.callerOf(bearerOf(authorization) ?? '', socket.remoteAddress ?? null);
      }
      const secret = sessionSecret(cookie);
      const caller = secret && access.callerOf(secret, fromOf(socket.remoteAddress, headers['user-agent']));
      if (!caller) return undefined;
      if (!reading.has(method)) assertSameOrigin(headers);
      return caller;
    },
    refusal: () => new SendenseError('access.login', 'nobody is logged in, and the token is missing or wrong'),
  };
}
