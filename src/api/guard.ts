import type { FastifyRequest } from 'fastify';
import { SendenseError } from '../errors/sendense-error.ts';
import { bearerCheck } from '../host/node-api/bearer-token.ts';
import { limitPerMinute, type Taken } from '../host/net/limit-per-minute.ts';
import type { ApiLimits } from './limits.ts';
import type { OneTimeTickets } from './one-time.ts';

/** Whoever is at the other end; all that come through a tunnel or a Unix socket are one. */
export const peerOf = (request: { readonly socket: { readonly remoteAddress?: string | undefined } }): string =>
  request.socket.remoteAddress ?? 'local';

export interface Guard {
  /** @throws SendenseError `node.refused` for who may not call, `node.limited` for who comes too often */
  check(request: FastifyRequest): void;
  /** Counts what came without the token and is not even HTTP. */
  malformed(peer: string): Taken;
}

export interface GuardOptions {
  readonly token: string;
  /** Lets in callers of the sort `figures`, and no others. */
  readonly figuresToken?: string | undefined;
  readonly limits: ApiLimits;
  /** What who has no token can do, where the catalogue's sentence is not precise enough. */
  readonly tokenRemedy?: string | undefined;
  /** For routes that callers with a ticket may call. */
  readonly oneTime?: OneTimeTickets | undefined;
  /** Somebody was refused who may not call. */
  onRefused?(): void;
}

/**
 * Lets requests in whose callers may call: those with the token, and with a ticket where the route takes one. Wrong tokens are
 * few in a minute; more of them get 429, which costs next to nothing and writes no log. The right token passes even then: who
 * floods an API that others reach through the same tunnel must not lock them out, and guessing a token takes more than any
 * rate could give.
 */
export function createGuard(options: GuardOptions): Guard {
  const { token, limits, oneTime } = options;
  const hasToken = bearerCheck(token);
  const hasFiguresToken = options.figuresToken === undefined ? () => false : bearerCheck(options.figuresToken);
  const refused = limitPerMinute(limits.refusedPerMinute);
  const asked = limitPerMinute(limits.requestsPerMinute);
  const remedy = options.tokenRemedy === undefined ? {} : { remedy: options.tokenRemedy };
  const allowed = (request: FastifyRequest): boolean => {
    const { authorization } = request.headers;
    const { route } = request.routeOptions?.config ?? {};
    const callers = route?.callers ?? ['token'];
    // Asked in any case: how long a refusal takes says nothing.
    const has = { token: hasToken(authorization), figures: hasFiguresToken(authorization) };
    if ((has.token && callers.includes('token')) || (has.figures && callers.includes('figures'))) return true;
    const ticket = /^Bearer (\S{1,200})$/.exec(authorization ?? '')?.[1];
    if (!route || !oneTime || ticket === undefined || !callers.includes('one-time')) return false;
    return oneTime.take(ticket, route.id);
  };
  return {
    malformed: refused,
    check: (request) => {
      const peer = peerOf(request);
      if (!allowed(request)) {
        options.onRefused?.();
        const taken = refused(peer);
        if (taken.allowed) throw new SendenseError('node.refused', 'the token is missing or wrong', remedy);
        throw tooMany('too many requests without the token', taken);
      }
      const taken = asked(peer);
      if (!taken.allowed) throw tooMany(`more than ${limits.requestsPerMinute} requests in a minute`, taken);
    },
  };
}

const tooMany = (why: string, { retrySeconds, first }: Taken): SendenseError =>
  new SendenseError('node.limited', `${why}; try again in ${retrySeconds} s`, { details: { retrySeconds, first } });
