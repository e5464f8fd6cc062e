import type { FastifyRequest } from 'fastify';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { NodeLimits } from '../limits/limits.ts';
import { bearerCheck } from '../../host/node-api/bearer-token.ts';
import { limitPerMinute, type Taken } from '../../host/net/limit-per-minute.ts';

/** Whoever is at the other end; all that come through a tunnel or a Unix socket are one. */
export const peerOf = (request: { readonly socket: { readonly remoteAddress?: string | undefined } }): string =>
  request.socket.remoteAddress ?? 'local';

export interface Guard {
  /** @throws SendenseError `node.refused` without the token, `node.limited` for who comes too often */
  check(request: FastifyRequest): void;
  /** Counts what came without the token and is not even HTTP. */
  malformed(peer: string): Taken;
}

/**
 * Lets requests with the token in. Wrong tokens are few in a minute; more of them get 429, which costs next to nothing and
 * writes no log. The right token passes even then: who floods a node that others reach through the same tunnel must not
 * lock them out, and guessing a token takes more than any rate could give.
 */
export function createGuard(options: { readonly token: string; readonly limits: NodeLimits }): Guard {
  const { token, limits } = options;
  const allowed = bearerCheck(token);
  const refused = limitPerMinute(limits.refusedPerMinute);
  const asked = limitPerMinute(limits.requestsPerMinute);
  return {
    malformed: refused,
    check: (request) => {
      const peer = peerOf(request);
      if (!allowed(request.headers.authorization)) {
        const taken = refused(peer);
        if (taken.allowed) throw new SendenseError('node.refused', 'the token is missing or wrong');
        throw tooMany('too many requests without the token', taken);
      }
      const taken = asked(peer);
      if (!taken.allowed) throw tooMany(`more than ${limits.requestsPerMinute} requests in a minute`, taken);
    },
  };
}

const tooMany = (why: string, { retrySeconds, first }: Taken): SendenseError =>
  new SendenseError('node.limited', `${why}; try again in ${retrySeconds} s`, { details: { retrySeconds, first } });
