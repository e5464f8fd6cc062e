import { callerWith } from '../../api/caller.ts';
import type { Door } from '../../api/door.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { bearerCheck } from '../../host/node-api/bearer-token.ts';
import { allRights, type Right } from './rights.ts';

export interface HubDoorOptions {
  /** Of `hub: apiToken`: may do everything. */
  readonly token: string;
  /** Of `hub: metricsToken`: may read figures. */
  readonly metricsToken: string;
}

/** Knows who may call the hub's API. */
export function hubDoor({ token, metricsToken }: HubDoorOptions): Door {
  const tokens = [
    { isIt: bearerCheck(token), caller: callerWith('file-token', 'hub-api.token', allRights) },
    {
      isIt: bearerCheck(metricsToken),
      caller: callerWith('file-token', 'hub-metrics.token', new Set<Right>(['figures'])),
    },
  ];
  return {
    callerOf: ({ headers: { authorization } }) =>
      // All are asked: how long it takes says nothing.
      tokens.filter(({ isIt }) => isIt(authorization))[0]?.caller,
    refusal: () => new SendenseError('access.login', 'nobody is logged in, and the token is missing or wrong'),
  };
}
