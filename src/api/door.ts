import type { FastifyRequest } from 'fastify';
import { SendenseError } from '../errors/sendense-error.ts';
import { bearerCheck, bearerOf } from '../host/node-api/bearer-token.ts';
import { callerWith, type Caller } from './caller.ts';
import type { OneTimeTickets } from './one-time.ts';

/** Knows who may call an API. */
export interface Door {
  /** Asked about every request, whoever calls. @throws SendenseError for one that comes in a way in which nobody may */
  admit?(request: FastifyRequest): void;
  /** Who calls; undefined: nobody who may. @throws SendenseError where it is known why not */
  callerOf(request: FastifyRequest): Caller | undefined;
  /** What a caller hears that is not known. */
  refusal(): SendenseError;
}

export interface TokenDoorOptions {
  readonly token: string;
  /** What who has no token can do, where the catalogue's sentence is not precise enough. */
  readonly tokenRemedy?: string | undefined;
  /** For routes that callers with a ticket may call. */
  readonly oneTime?: OneTimeTickets | undefined;
}

const withToken = callerWith('token', 'token');
const withTicket = callerWith('ticket', 'ticket');

/** The door of an API that knows no users: who has its token may call all of it, who has a ticket one route once. */
export function tokenDoor({ token, tokenRemedy, oneTime }: TokenDoorOptions): Door {
  const hasToken = bearerCheck(token);
  const remedy = tokenRemedy === undefined ? {} : { remedy: tokenRemedy };
  return {
    callerOf: ({ headers: { authorization }, routeOptions }) => {
      const { route } = routeOptions?.config ?? {};
      const credentials = route?.credentials ?? ['token'];
      // Asked in any case: how long a refusal takes says nothing.
      const known = hasToken(authorization);
      if (known && credentials.includes('token')) return withToken;
      const ticket = bearerOf(authorization);
      if (!route || !oneTime || ticket === undefined || !credentials.includes('one-time')) return undefined;
      return oneTime.take(ticket, route.id) ? withTicket : undefined;
    },
    refusal: () => new SendenseError('node.refused', 'the token is missing or wrong', remedy),
  };
}
