import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SendenseError } from '../../errors/sendense-error.ts';
import { checkBody, checkParam } from '../jobs/check-body.ts';
import { httpError } from '../http/error-answer.ts';
import type { NodeParts, Route } from './route.ts';

/** Makes the server answer these routes: parameters and bodies are checked before their handlers see them. */
export function registerRoutes(app: FastifyInstance, routes: readonly Route[], node: NodeParts): void {
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      ...(route.body && 'bytes' in route.body ? { bodyLimit: route.body.bytes } : {}),
      config: { route },
      handler: async (request, reply) => {
        const params = checkedParams(route, request);
        const body = checkedBody(route, request);
        const job = params['job'] ?? route.jobOf?.(body);
        if (job !== undefined) request.log = request.log.child({ job_id: job });
        const [[status = '200', answer] = []] = [Object.entries(route.answers)[0]];
        void reply.code(Number(status));
        if (answer?.type !== undefined || answer?.schema !== undefined)
          void reply.type(answer.type ?? 'application/json; charset=utf-8');
        const result = await route.handle({ node, body, params, signal: goneSignal(reply), request, reply });
        return result ?? reply.send();
      },
    });
  }
}

function checkedParams(route: Route, request: FastifyRequest): Record<string, string> {
  const given = request.params as Readonly<Record<string, string>>;
  const params: Record<string, string> = {};
  for (const [name, { schema }] of Object.entries(route.params ?? {})) {
    const value = given[name] ?? '';
    params[name] = schema === undefined ? value : checkParam(schema, name, value);
  }
  for (const [name, { required }] of Object.entries(route.headers ?? {})) {
    if (required && !request.headers[name])
      throw new SendenseError('request.invalid', `the header ${name} is missing`, { details: { field: name } });
  }
  return params;
}

function checkedBody(route: Route, request: FastifyRequest): unknown {
  const streams = request.body instanceof Readable;
  if (!route.body) return undefined;
  if (streams !== 'stream' in route.body)
    throw httpError(415, `the body must be ${streams ? 'application/json' : 'application/octet-stream'}`);
  return 'schema' in route.body ? checkBody(route.body.schema, request.body) : request.body;
}

/** Aborts when the caller goes away before the answer. Fastify's own `request.signal` aborts as soon as the body was read. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new SendenseError('job.cancelled', 'the caller went away'));
  });
  return controller.signal;
}
