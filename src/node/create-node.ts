import { createReadStream } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply } from 'fastify';
import { SendenseError } from '../errors/sendense-error.ts';
import { exists } from '../host/files.ts';
import type { Discovered, DiscoverRequest, Inventory, JobStatus, NodeHealth } from '../schemas/types.ts';
import { checkBody, checkParam } from './check-body.ts';
import { checkStart } from './check-start.ts';
import { answerError } from './error-answer.ts';
import { openIndexSpool } from './index-spool.ts';
import { openJobs } from './jobs.ts';
import { nodeTools } from './node-tools.ts';
import { discover, inventory, loginOf } from './sources/index.ts';
import { addVsphereRoutes } from './vsphere-routes.ts';
import { tokenCheck } from './token.ts';

export interface NodeOptions {
  /** Absolute folder for jobs and indexes; made where it is missing. */
  readonly stateDir: string;
  /** Every request must bring it: `Authorization: Bearer …`. */
  readonly token: string;
  readonly version: string;
  readonly logger?: FastifyBaseLogger | undefined;
}

const bodyLimitBytes = 1024 * 1024;

/** The node's HTTP API (`docs/node-api.md`), not listening yet. Closing it leaves running jobs alone. */
export async function createNode(options: NodeOptions): Promise<FastifyInstance> {
  const { stateDir, token, version } = options;
  // Imported here: who only runs a plan validation or the client does not pay for it.
  const { fastify } = await import('fastify');
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const indexes = await openIndexSpool(join(stateDir, 'indexes'));
  const jobs = await openJobs({ stateDir, indexes });

  const app: FastifyInstance = options.logger
    ? (fastify({
        bodyLimit: bodyLimitBytes,
        loggerInstance: options.logger,
        forceCloseConnections: true,
      }) as unknown as FastifyInstance)
    : fastify({ bodyLimit: bodyLimitBytes, forceCloseConnections: true });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request, reply) => answerError(notFound(request.method, request.url), request, reply));
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  app.addHook('onClose', () => jobs[Symbol.asyncDispose]());

  const allowed = tokenCheck(token);
  app.addHook('onRequest', async (request) => {
    if (!allowed(request.headers.authorization))
      throw new SendenseError('node.refused', 'the token is missing or wrong');
  });

  app.get('/api/v1/health', async (): Promise<NodeHealth> => {
    const [tools, running] = await Promise.all([nodeTools(), jobs.running()]);
    return {
      status: tools.every((tool) => tool.version) ? 'ok' : 'degraded',
      version,
      time: Date.now(),
      tools,
      jobs_running: running,
    };
  });

  app.post('/api/v1/discover', async (request, reply): Promise<Discovered | Inventory> => {
    const body = checkBody<DiscoverRequest>('node/discover.json', request.body);
    const { vm_name: vmName, source } = body;
    const asking = { login: loginOf(body), signal: goneSignal(reply) };
    if (vmName === null) return inventory(source, asking);
    return { vm_name: vmName, ...(await discover(source, { ...asking, vmName })) };
  });

  app.put<{ Params: { sha256: string } }>('/api/v1/indexes/:sha256', async (request, reply) => {
    const sha256 = request.params.sha256;
    if (!/^[0-9a-f]{64}$/.test(sha256))
      throw new SendenseError('request.invalid', 'the name of an index is its SHA-256 in hex', {
        details: { field: 'sha256' },
      });
    const announced = request.headers['content-length'];
    await indexes.put(sha256, request.body as Readable, announced === undefined ? undefined : Number(announced));
    return reply.code(204).send();
  });

  app.post('/api/v1/backup/start', async (request, reply) =>
    reply.code(202).send(await jobs.start(checkStart(request.body))),
  );

  type OneJob = { Params: { job: string } };
  const idOf = (request: { params: OneJob['Params'] }): string =>
    checkParam('domain.json#/$defs/jobId', 'job', request.params.job);

  app.get('/api/v1/jobs', async (): Promise<{ jobs: JobStatus[] }> => ({ jobs: await jobs.list() }));
  app.get<OneJob>('/api/v1/status/:job', async (request): Promise<JobStatus> => jobs.status(idOf(request)));
  app.post<OneJob>('/api/v1/jobs/:job/cancel', async (request, reply) => {
    await jobs.cancel(idOf(request));
    return reply.code(202).send({});
  });
  app.get<OneJob>('/api/v1/jobs/:job/log', async (request, reply) => {
    const { log } = await jobs.folder(idOf(request));
    void reply.type('application/x-ndjson');
    return (await exists(log)) ? createReadStream(log) : '';
  });
  app.get<OneJob>('/api/v1/jobs/:job/vm-config', async (request, reply) => {
    const id = idOf(request);
    const file = (await jobs.folder(id)).vmConfig;
    if (!(await exists(file))) throw new SendenseError('job.unknown', `job ${id} has no VM configuration`);
    return reply
      .type('application/json')
      .header('content-length', (await stat(file)).size)
      .send(createReadStream(file));
  });
  app.get<{ Params: { job: string; key: string } }>('/api/v1/jobs/:job/indexes/:key', async (request, reply) => {
    const key = checkParam('domain.json#/$defs/diskKey', 'key', request.params.key);
    const id = idOf(request);
    const [status, folder] = await Promise.all([jobs.status(id), jobs.folder(id)]);
    const disk = status.disks.find((candidate) => candidate.key === key);
    if (disk?.phase !== 'done') throw new SendenseError('job.unknown', `job ${id} has no finished disk ${key}`);
    const file = folder.index(key);
    return reply
      .type('application/octet-stream')
      .header('content-length', (await stat(file)).size)
      .send(createReadStream(file));
  });
  app.delete<OneJob>('/api/v1/jobs/:job', async (request, reply) => {
    return (await jobs.remove(idOf(request))) ? reply.code(204).send() : reply.code(202).send({});
  });
  addVsphereRoutes(app, goneSignal);
  return app;
}

const notFound = (method: string, url: string): Error =>
  Object.assign(new Error(`the node has no ${method} ${url.replace(/\?.*$/, '')}`), { statusCode: 404 });

/** Aborts when the caller goes away before the answer. Fastify's own `request.signal` aborts as soon as the body was read. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new SendenseError('job.cancelled', 'the caller went away'));
  });
  return controller.signal;
}
