import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { NodeLimits } from '../limits/limits.ts';
import { answerError, httpError } from './error-answer.ts';
import { createGuard } from './guard.ts';
import { letProve } from './let-prove.ts';
import { malformedAnswer } from './malformed.ts';
import { limitNewcomers } from '../../host/net/limit-newcomers.ts';
import { limitPerMinute } from '../../host/net/limit-per-minute.ts';
import { requestId } from './request-log.ts';
import { impatient } from './slow-body.ts';

export interface ServerOptions {
  readonly token: string;
  readonly limits: NodeLimits;
  readonly logger?: FastifyBaseLogger | undefined;
}

/** Fewer than all: who has no token leaves room for who has one. */
const newcomerLimits = { most: 256, mostOfOnePeer: 64 };

/** An HTTP server that lets nobody in without the token, bears slow, malformed and too many requests, and has no routes yet. */
export async function makeServer(options: ServerOptions): Promise<FastifyInstance> {
  const { token, limits, logger } = options;
  // Imported here: who only runs a plan validation or the client does not pay for it.
  const { fastify, LogController } = await import('fastify');
  const guard = createGuard({ token, limits });
  const settings = {
    // Of routes without a body of their own; the others say theirs.
    bodyLimit: 64 * 1024,
    // So that closing does not wait for callers.
    forceCloseConnections: true,
    keepAliveTimeout: limits.idleMs,
    // request-log.ts writes one line for each answer.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    exposeHeadRoutes: false,
    genReqId: requestId,
    // Inventory paths are long, percent-encoded ones longer.
    routerOptions: { maxParamLength: 4096 },
    http: {
      headersTimeout: limits.headersMs,
      // Bodies have limits of their own, see slow-body.ts.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(1000, limits.headersMs),
      maxHeaderSize: limits.headerBytes,
    },
    // What the router cannot read does not come by the hooks.
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
      try {
        guard.check(request);
        answerError(httpError(error.statusCode ?? 400, error.message), request, reply);
      } catch (refusal) {
        answerError(refusal as Error, request, reply);
      }
    },
  };
  const app: FastifyInstance = logger
    ? (fastify({ ...settings, loggerInstance: logger }) as unknown as FastifyInstance)
    : fastify(settings);
  app.server.removeAllListeners('clientError').on('clientError', malformedAnswer(guard, app.log));
  app.server.maxConnections = limits.connections;
  letProve(app.server, { token, withinMs: limits.headersMs });
  const newcomers = limitNewcomers(app.server, {
    most: Math.min(newcomerLimits.most, limits.connections),
    mostOfOnePeer: newcomerLimits.mostOfOnePeer,
  });
  const dropped = limitPerMinute(1);
  app.server.on('drop', () => {
    if (dropped('').allowed) app.log.warn(`more than ${limits.connections} connections at a time; others are dropped`);
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) =>
    answerError(httpError(404, `the node has no ${request.method} ${pathOf(request.url)}`), request, reply),
  );
  // Fastify's own, for which no route has a use: another type is 415.
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
    guard.check(request);
    newcomers.known(request.raw.socket);
  });
  app.addHook('preParsing', async ({ headers }, _reply, payload) => {
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return payload;
    return impatient(payload, headers['content-type'] === 'application/octet-stream', limits);
  });
  return app;
}

const pathOf = (url: string): string => url.replace(/\?.*$/s, '');
