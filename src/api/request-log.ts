import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../errors/catalogue.ts';
import type { ApiFigures } from './figures.ts';
import type { Caller, CallerKind } from './caller.ts';
import { peerOf } from './guard.ts';
import type { Route } from './route.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; undefined until that is known. */
    caller?: Caller;
    /** Who nobody turned out to be. */
    who?: string;
    /** The audit log has it. */
    audited?: boolean;
    /** What the request is answered with where it failed. */
    failure?: { readonly code: ErrorCode; readonly message: string; /** One of many alike. */ readonly again: boolean };
  }
  interface FastifyContextConfig {
    route?: Pick<
      Route<never>,
      | 'id'
      | 'method'
      | 'path'
      | 'quiet'
      | 'changes'
      | 'watched'
      | 'params'
      | 'query'
      | 'credentials'
      | 'right'
      | 'vms'
      | 'fresh'
    >;
  }
}

/** The caller's id of a request where it gave a sensible one (`x-request-id`), so that its log and ours can be joined. */
export function requestId(raw: IncomingMessage): string {
  const given = raw.headers['x-request-id'];
  return typeof given === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : randomUUID();
}

/** Callers of an API that knows several. */
const userKinds: ReadonlySet<CallerKind> = new Set(['file-token', 'api-token', 'session', 'proxy']);

/** One line for each answer, and its figures. Never headers, bodies or what follows a `?`: tokens and passwords come there. */
export function logAnswers(app: FastifyInstance, figures: ApiFigures): void {
  app.addHook('onResponse', async (request, reply) => {
    const { route } = request.routeOptions.config;
    const { statusCode: status } = reply;
    const { failure, caller } = request;
    figures.request({
      method: route ? request.method : 'other',
      route: route?.path ?? 'unknown',
      status,
      seconds: reply.elapsedTime / 1000,
    });
    if (failure) figures.error(failure.code);
    request.log[levelOf(request, status)](
      {
        method: request.method,
        path: request.url.replace(/\?.*$/s, '').slice(0, 300),
        status,
        ms: Math.round(reply.elapsedTime),
        peer: peerOf(request),
        ...(caller && userKinds.has(caller.kind) && { caller: caller.name, by: caller.kind }),
        ...(failure && { code: failure.code, reason: failure.message }),
      },
      failure ? 'request failed' : 'request answered',
    );
  });
}

function levelOf(request: FastifyRequest, status: number): 'debug' | 'info' | 'warn' | 'error' {
  if (status >= 500) return 'error';
  if (request.failure?.again) return 'debug';
  if (status >= 400) return 'warn';
  return request.routeOptions.config.route?.quiet ? 'debug' : 'info';
}
