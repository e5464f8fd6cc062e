import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { errorToJson, SendenseError } from '../../errors/sendense-error.ts';
import { bearerCheck } from '../../host/node-api/bearer-token.ts';
import { limitNewcomers } from '../../host/net/limit-newcomers.ts';
import type { HubHealth, NodesOutput } from '../../schemas/types.ts';
import { version } from '../../schemas/package.ts';
import { listNodes } from '../../state/nodes/nodes.ts';
import type { State } from '../../state/database/open-state.ts';
import { listLeases } from '../../state/runs/port-leases.ts';
import { countRuns } from '../../state/runs/runs.ts';
import type { HubLog } from '../hub-log.ts';
import { describeNodes } from '../nodes/describe-nodes.ts';
import type { HubPlaces } from '../nodes/hub-places.ts';
import { limitedWarnings } from '../ssh-server/warnings.ts';
import type { HubFigures } from './figures.ts';

export interface HubApiOptions {
  readonly state: State;
  readonly places: HubPlaces;
  /** Every request must bring it: `Authorization: Bearer …`. */
  readonly token: string;
  readonly figures: HubFigures;
  /** Brings `figures` up to date with what other processes carry; quick, and never rejects. */
  countElsewhere(): Promise<void>;
  /** What `GET /metrics` tells beside `figures`, in Prometheus' text form. */
  backupFigures(): Promise<string>;
  readonly log: HubLog;
}

/** At a time; each node may hold many through its tunnel, and none may use up all file descriptors. */
const mostConnections = 512;
/** Fewer than those: who has no token leaves room for who has one. */
const newcomerLimits = { most: 256, mostOfOnePeer: 64 };

/** The hub's HTTP API, not listening yet: what is going on, for whoever watches. It changes nothing. */
export async function createHubApi(options: HubApiOptions): Promise<FastifyInstance> {
  const { state, places, token, figures, log } = options;
  const { fastify } = await import('fastify');
  const app: FastifyInstance = fastify({
    bodyLimit: 1024,
    // Who sends a request byte by byte is not waited for.
    requestTimeout: 10_000,
    connectionTimeout: 60_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2000 },
    forceCloseConnections: true,
    genReqId: () => randomUUID(),
  });
  const allowed = bearerCheck(token);
  const warn = limitedWarnings();
  app.server.maxConnections = mostConnections;
  const newcomers = limitNewcomers(app.server, newcomerLimits);
  app.server.prependListener('clientError', ({ code }: NodeJS.ErrnoException, socket: Socket) => {
    if (code === 'ECONNRESET') return;
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    warn(log, socket.remoteAddress ?? '', { peer, reason: code }, 'a request that is malformed or too slow');
  });
  app.addHook('onRequest', async (request) => {
    if (allowed(request.headers.authorization)) return newcomers.known(request.raw.socket);
    figures.refused('api-token');
    throw new SendenseError('node.refused', "the token of the hub's API is missing or wrong", {
      remedy: 'Bring the token of `hub: apiToken` in sendense.yaml: `Authorization: Bearer TOKEN`.',
    });
  });
  app.addHook('onResponse', async (request, reply) => {
    figures.request(reply.statusCode);
    const facts = { request: request.id, method: request.method, path: request.url.split('?')[0]?.slice(0, 200) };
    const peer = `${request.ip}:${request.socket.remotePort}`;
    const answered = { ...facts, peer, status: reply.statusCode, ms: Math.round(reply.elapsedTime) };
    if (reply.statusCode === 401) warn(log, request.ip, answered, 'request answered');
    else log.debug(answered, 'request answered');
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: errorToJson(invalid(`there is no ${request.method} ${request.url.slice(0, 200)}`)) }),
  );
  app.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) => {
    if (error instanceof SendenseError && error.code === 'node.refused')
      return reply.code(401).send({ error: errorToJson(error) });
    const status = error instanceof SendenseError ? 500 : (error.statusCode ?? 500);
    if (status >= 500) log.error(`the API: ${error.message}`);
    return reply.code(status).send({ error: errorToJson(status < 500 ? invalid(error.message) : error) });
  });

  const nodes = (): NodesOutput => describeNodes(state, listNodes(state));

  app.get('/api/v1/health', async (): Promise<HubHealth> => ({
    status: 'ok',
    version,
    time: Date.now(),
    ssh: places.ssh,
    nodes_connected: nodes().nodes.filter((node) => node.state === 'connected').length,
    runs: countRuns(state).get('running') ?? 0,
  }));
  app.get('/api/v1/nodes', async () => nodes());
  app.get('/metrics', async (_request, reply) => {
    await options.countElsewhere();
    const now = { nodes: nodes().nodes, runs: countRuns(state), leases: listLeases(state).length };
    const text = `${await figures.text(now)}\n${await options.backupFigures()}`;
    return reply.type(figures.contentType).send(text);
  });
  return app;
}

const invalid = (message: string): SendenseError =>
  new SendenseError('request.invalid', message, { remedy: 'See docs/enrolment.md for what the API has.' });
