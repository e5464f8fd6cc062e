import { cameFromOf } from '../../api/came-from.ts';
import { callerWith } from '../../api/caller.ts';
import type { Door } from '../../api/door.ts';
import { publicRight } from '../../api/route.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { bearerCheck, bearerOf } from '../../host/node-api/bearer-token.ts';
import type { Access } from './manage-access.ts';
import type { Tokens } from './manage-tokens.ts';
import { allRights, type Right } from './rights.ts';
import { assertOwnHost, assertSameOrigin } from './same-origin.ts';
import { fromOf, sessionSecret } from './session-cookie.ts';
import type { TrustedProxy } from './trusted-proxy.ts';

export interface HubDoorOptions {
  /** Of `hub: apiToken`: may do everything. */
  readonly token: string;
  /** Of `hub: metricsToken`: may read figures. */
  readonly metricsToken: string;
  readonly access: Pick<Access, 'callerOf'>;
  readonly apiTokens: Pick<Tokens, 'callerOf'>;
  /** Names of this hub, beside those that it knows. */
  readonly hosts: readonly string[];
  readonly proxy: TrustedProxy;
}

const reading = new Set(['GET', 'HEAD']);

/** Knows who may call the hub's API. */
export function hubDoor({ token, metricsToken, access, apiTokens, hosts, proxy }: HubDoorOptions): Door {
  const ownHosts = new Set(hosts.map((name) => name.toLowerCase()));
  const tokens = [
    { isIt: bearerCheck(token), caller: callerWith('file-token', 'hub-api.token', allRights) },
    {
      isIt: bearerCheck(metricsToken),
      caller: callerWith('file-token', 'hub-metrics.token', new Set<Right>(['figures'])),
    },
  ];
  return {
    admit: (request) => {
      proxy.assertThrough(request);
      const isPublic = request.routeOptions?.config?.route?.right === publicRight;
      // No page of another site knows a token.
      if (request.headers.authorization === undefined || isPublic) assertOwnHost(cameFromOf(request), ownHosts);
    },
    callerOf: (request) => {
      const { method, headers } = request;
      const { authorization, cookie } = headers;
      const came = cameFromOf(request);
      // All are asked: how long it takes says nothing.
      if (authorization !== undefined) {
        const [known] = tokens.filter(({ isIt }) => isIt(authorization));
        return known?.caller ?? apiTokens.callerOf(bearerOf(authorization) ?? '', came.peer ?? null);
      }
      const secret = sessionSecret(cookie, came.secure);
      const caller =
        proxy.callerOf(request) ?? (secret && access.callerOf(secret, fromOf(came.peer, headers['user-agent'])));
      if (!caller) return undefined;
      if (!reading.has(method)) assertSameOrigin(headers, came);
      return caller;
    },
    refusal: () => new SendenseError('access.login', 'nobody is logged in, and the token is missing or wrong'),
  };
}
