import type { FastifyRequest } from 'fastify';
import { SendenseError } from '../errors/sendense-error.ts';
import { limitPerMinute, type Taken } from '../host/net/limit-per-minute.ts';
import { nobody, type Caller } from './caller.ts';
import type { CameFrom } from './came-from.ts';
import type { Door } from './door.ts';
import type { ApiLimits } from './limits.ts';
import { publicRight, type Route } from './route.ts';

/** Whoever is at the other end; all that come through a tunnel or a Unix socket are one. */
export const peerOf = (request: {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly cameFrom?: CameFrom | undefined;
}): string => (request.cameFrom ?? { peer: request.socket.remoteAddress }).peer ?? 'local';

export interface Guard {
  /**
   * Who calls, where it may.
   * @throws SendenseError what the door says to those it does not know, `node.limited` for who comes too often, `access.right`,
   * `access.stale`
   */
  check(request: FastifyRequest): Caller;
  /** Counts what nobody can answer: what is not even HTTP, or is for no host. */
  malformed(peer: string): Taken;
}

export interface GuardOptions {
  readonly door: Door;
  readonly limits: ApiLimits;
  /** Somebody was refused who may not call. */
  onRefused?(): void;
}

/**
 * Lets requests in whose callers may call. Callers that the door does not know are few in a minute; more of them get 429, which costs
 * next to nothing and writes no log. Those it knows pass even then: who floods an API that others reach through the same tunnel must
 * not lock them out, and guessing a token takes more than any rate could give.
 */
export function createGuard({ door, limits, onRefused }: GuardOptions): Guard {
  const refused = limitPerMinute(limits.refusedPerMinute);
  const asked = limitPerMinute(limits.requestsPerMinute);
  const known = (request: FastifyRequest, peer: string): Caller => {
    const caller = door.callerOf(request);
    if (caller) return caller;
    onRefused?.();
    const taken = refused(peer);
    if (taken.allowed) throw door.refusal();
    throw tooMany('too many requests without the token', taken);
  };
  return {
    malformed: refused,
    check: (request) => {
      const peer = peerOf(request);
      door.admit?.(request);
      const { route } = request.routeOptions?.config ?? {};
      const caller = route?.right === publicRight ? nobody : known(request, peer);
      const taken = asked(peer);
      if (!taken.allowed) throw tooMany(`more than ${limits.requestsPerMinute} requests in a minute`, taken);
      request.caller = caller;
      if (route) assertMay(caller, route);
      return caller;
    },
  };
}

/** @throws SendenseError `access.right`, `access.stale` */
function assertMay(caller: Caller, { right, vms, fresh }: Pick<Route<never>, 'right' | 'vms' | 'fresh'>): void {
  if (right === undefined || right === publicRight) return;
  if (!caller.rights.has(right))
    throw new SendenseError('access.right', `${caller.name} has no right to ${right}`, { details: { right } });
  if (!caller.allVms && vms === undefined)
    throw new SendenseError('access.right', `${caller.name} has the right to ${right} for some VMs only`, {
      details: { right },
    });
  if (fresh === true && !caller.isFresh())
    throw new SendenseError('access.stale', 'for this the password has to be typed again');
}

/** @param why what there are too many of */
export const tooMany = (why: string, { retrySeconds, first }: Taken): SendenseError =>
  new SendenseError('node.limited', `${why}; try again in ${retrySeconds} s`, { details: { retrySeconds, first } });
