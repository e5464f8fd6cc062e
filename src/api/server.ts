import type { IncomingHttpHeaders, Server } from 'node:http';
import type {
  FastifyBaseLogger,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifyHttpOptions,
} from 'fastify';
import type { TlsOptions } from 'node:tls';
import type { ErrorCode } from '../errors/catalogue.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import { keptAlive } from '../host/net/keep-alive.ts';
import { limitNewcomers, type Newcomers } from '../host/net/limit-newcomers.ts';
import { limitPerMinute } from '../host/net/limit-per-minute.ts';
import { shareConnections } from '../host/net/share-connections.ts';
import { directly, type CameFrom } from './came-from.ts';
import { answerError, httpError } from './error-answer.ts';
import { tokenDoor, type Door, type TokenDoorOptions } from './door.ts';
import { createGuard, peerOf, tooMany, type Guard, type GuardOptions } from './guard.ts';
import { letProve } from './let-prove.ts';
import type { ApiLimits } from './limits.ts';
import { answerMalformed, noHandshake } from './malformed.ts';
import { requestId } from './request-log.ts';
import { impatient } from './slow-body.ts';

export interface ServerOptions extends TokenDoorOptions, Omit<GuardOptions, 'door'> {
  /** Default: who has the token, or a ticket. */
  readonly door?: Door | undefined;
  /** In messages: `the node`. */
  readonly name: string;
  /** What who asks for a path that there is not can do; default: the catalogue's sentence. */
  readonly help?: string | undefined;
  readonly logger?: FastifyBaseLogger | undefined;
  /** Callers may prove by TLS that they have the token before they send it (`let-prove.ts`). */
  readonly proof?: boolean | undefined;
  /** HEAD is answered where GET is. */
  readonly head?: boolean | undefined;
  /** Methods of the routes at a path; empty: there are none. */
  readonly methodsAt?: ((path: string) => readonly string[]) | undefined;
  /** What everybody gets, and what is no route: the files of a page. Undefined: the request is for none of them. */
  readonly openFile?: ((request: FastifyRequest) => OpenFile | undefined) | undefined;
  /** How requests come; default: as their connections say. */
  readonly cameFrom?: ((request: FastifyRequest) => CameFrom) | undefined;
  /** It speaks TLS and no HTTP: what `tls.createServer` takes. Key and certificate may change later (`setSecureContext`). */
  readonly tls?: TlsOptions | undefined;
}

/** A file that everybody may read. */
export interface OpenFile {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

/** What who is not let in is told, or who takes more than its share. */
const unwelcome: ReadonlySet<ErrorCode> = new Set(['access.login', 'node.refused', 'node.limited']);

/** Fewer than all: who has no token leaves room for who has one. */
const newcomerLimits = { most: 256, mostOfOnePeer: 64 };

/** An HTTP server that lets nobody in who may not call, bears slow, malformed and too many requests, and has no routes yet. */
export async function makeServer(options: ServerOptions): Promise<FastifyInstance> {
  const { name, help, token, limits, logger } = options;
  // Imported here: who only runs a plan validation or the client does not pay for it.
  const { fastify, LogController } = await import('fastify');
  const guard = createGuard({ ...options, door: options.door ?? tokenDoor(options) });
  const settings = {
    ...settingsOf(options, guard),
    // request-log.ts writes one line for each answer.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
  };
  const app: FastifyInstance = logger
    ? (fastify({ ...settings, loggerInstance: logger }) as unknown as FastifyInstance)
    : fastify(settings);
  answerMalformed(app.server, guard, app.log);
  // Node would hand them to `clientError` as well.
  if (options.tls) app.server.removeAllListeners('tlsClientError').on('tlsClientError', noHandshake(app.log));
  if (options.proof) letProve(app.server, { token, withinMs: limits.headersMs });
  const newcomers = limitConnections(app, limits);
  const shares = limits.connectionsOfOne > 0 ? shareConnections(limits.connectionsOfOne) : null;
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => {
    const path = pathOf(request.url);
    const methods = options.methodsAt?.(path) ?? [];
    const message = `${name} has no ${request.method} ${path}`;
    if (methods.length === 0) return answerError(httpError(404, message, help), request, reply);
    void reply.header('allow', methods.join(', '));
    return answerError(httpError(405, `${message}; it has ${methods.join(', ')}`, help), request, reply);
  });
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
    // A year. Browsers heed it where the certificate is one that they know (RFC 6797).
    if (options.tls) void reply.header('strict-transport-security', 'max-age=31536000');
    request.cameFrom = (options.cameFrom ?? directly)(request);
    assertHost(request, guard);
    const file = options.openFile?.(request);
    if (file) return reply.code(file.status).headers(file.headers).send(file.body);
    const caller = guard.check(request);
    if (caller.kind === 'nobody') return undefined;
    if (shares?.take(caller.identity, request.raw.socket) === false)
      throw new SendenseError('node.limited', `${limits.connectionsOfOne} connections of yours are open`, {
        remedy: 'Use one of them again, or close some.',
        details: { retrySeconds: 10 },
      });
    newcomers.known(request.raw.socket);
    return undefined;
  });
  // Who is not let in does not keep a place by asking again.
  app.addHook('onSend', async ({ failure }, reply) => {
    if (failure && unwelcome.has(failure.code)) void reply.header('connection', 'close');
  });
  readBodies(app, limits);
  return app;
}

/** @throws 400 (RFC 9112, 3.2); SendenseError `node.limited` for who comes so too often */
function assertHost(request: FastifyRequest, guard: Guard): void {
  const { rawHeaders, httpVersion } = request.raw;
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length;
  if (hosts === 1 || (hosts === 0 && httpVersion !== '1.1')) return;
  const taken = guard.malformed(peerOf(request));
  if (!taken.allowed) throw tooMany('too many requests that name no host, or several', taken);
  throw httpError(
    400,
    hosts === 0 ? 'the request does not say its Host' : 'the request says several Hosts',
    'Send one header `Host`.',
  );
}

/** What is asked of us as of a proxy, `GET http://hub/path`: the host that it names counts (RFC 9112, 3.2.2). */
function originForm({ url = '/', headers }: { url?: string; readonly headers: IncomingHttpHeaders }): string {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url);
  if (!absolute) return url;
  const [, host = '', path = ''] = absolute;
  headers.host = host;
  return path.startsWith('/') ? path : `/${path}`;
}

const settingsOf = ({ limits, head, tls }: ServerOptions, guard: Guard) =>
  ({
    bodyLimit: limits.bodyBytes,
    // So that closing does not wait for callers.
    forceCloseConnections: true,
    keepAliveTimeout: limits.idleMs,
    connectionTimeout: limits.silenceMs,
    exposeHeadRoutes: head === true,
    rewriteUrl: originForm,
    genReqId: requestId,
    routerOptions: { maxParamLength },
    ...serverOf(limits, tls),
    // What the router cannot read does not come by the hooks.
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
      try {
        guard.check(request);
        answerError(frameworkError(error), request, reply);
      } catch (refusal) {
        answerError(refusal as Error, request, reply);
      }
    },
  }) satisfies FastifyHttpOptions<Server>;

/** What the router cannot read, in words that do not repeat it: an address may be long, and may have a secret in it. */
const frameworkError = ({ code, statusCode = 400, message }: FastifyError): Error =>
  code === 'FST_ERR_MAX_PARAM_LENGTH'
    ? httpError(400, `a part of the path is longer than ${maxParamLength} characters`, 'Ask for a path of the API.')
    : code === 'FST_ERR_BAD_URL'
      ? httpError(400, 'the path cannot be decoded', 'Encode each character of it as RFC 3986 says (%2F).')
      : httpError(statusCode, message);

function serverOf(limits: ApiLimits, tls: TlsOptions | undefined): Pick<FastifyHttpOptions<Server>, 'http'> {
  const http = {
    headersTimeout: limits.headersMs,
    // Node would answer such requests itself, and say nothing.
    requireHostHeader: false,
    // Bodies have limits of their own, see slow-body.ts.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1000, limits.headersMs),
    maxHeaderSize: limits.headerBytes,
    // A caller that is gone without a word: its request ends, whatever it waits for.
    ...keptAlive,
  };
  // Fastify makes a server of HTTPS of `https`; to all else it is one of HTTP.
  return tls ? ({ https: { ...http, ...tls, handshakeTimeout: limits.headersMs } } as object) : { http };
}

function limitConnections(app: FastifyInstance, { connections }: ApiLimits): Newcomers {
  app.server.maxConnections = connections;
  const dropped = limitPerMinute(1);
  app.server.on('drop', () => {
    if (dropped('').allowed) app.log.warn(`more than ${connections} connections at a time; the others are dropped`);
  });
  const { most, mostOfOnePeer } = newcomerLimits;
  return limitNewcomers(app.server, { most: Math.min(most, connections), mostOfOnePeer });
}

function readBodies(app: FastifyInstance, limits: ApiLimits): void {
  // Fastify's own, for which no route has a use: another type is 415.
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  app.addHook('preParsing', async ({ headers, method }, _reply, payload) => {
    const { 'content-length': length, 'transfer-encoding': chunked } = headers;
    if (length === undefined && chunked === undefined) return payload;
    // Nobody reads it: who wants something by it would be told that it was done.
    if (readsOnly.has(method) && (chunked !== undefined || length !== '0'))
      throw httpError(400, `a ${method} request takes no body`, 'Leave the body out.');
    return impatient(payload, headers['content-type'] === 'application/octet-stream', limits);
  });
}

const readsOnly: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** Inventory paths are long, percent-encoded ones longer. */
const maxParamLength = 4096;

const pathOf = (url: string): string => url.replace(/\?.*$/s, '');
