import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SendenseError } from '../errors/sendense-error.ts';
import { audited, type ApiAudit } from './audit.ts';
import { nobody, type Caller } from './caller.ts';
import { cameFromOf } from './came-from.ts';
import { checkBody, checkParams, type Given } from './check-input.ts';
import type { Answer, AnswerHead, Api, Call, Parameter, Route } from './route.ts';

/** Makes the server answer the routes of an API: parameters and bodies are checked before their handlers see them. */
export function registerRoutes<Parts>(
  app: FastifyInstance,
  { routes }: Pick<Api<Parts>, 'routes'>,
  { parts, audit }: { readonly parts: Parts; readonly audit?: ApiAudit | undefined },
): void {
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      ...(route.body && 'bytes' in route.body ? { bodyLimit: route.body.bytes } : {}),
      config: { route },
      handler: async (request, reply) => {
        const { params, query, body } = checkedInput(route, request);
        const facts = { ...factsOf(route.params, params), ...factsOf(route.query, query), ...route.logOf?.(body) };
        if (Object.keys(facts).length > 0) request.log = request.log.child(facts);
        const [[status = '200', answer] = []] = [Object.entries(route.answers)[0]];
        begin(reply, Number(status), answer);
        if (route.patient === true) request.raw.setTimeout(0);
        const who = route.whoOf?.({ parts, body }) ?? '';
        const call: Call<Parts, unknown> = {
          parts,
          caller: request.caller ?? nobody,
          params,
          query,
          body,
          signal: goneSignal(reply),
          ...cameFromOf(request),
          isHead: request.method === 'HEAD',
          header: (name) => headerOf(request, name),
          answer: headOf(request, reply),
        };
        const about = { ...facts, ...route.auditOf?.(body) };
        const result = await audited(audit, route, { request, reply, facts: about, who }, () => route.handle(call));
        if (result instanceof Readable) endWith(result, call.caller);
        return result ?? reply.send();
      },
    });
  }
}

function checkedInput(
  route: Route<never>,
  request: FastifyRequest,
): Pick<Call<unknown, unknown>, 'params' | 'query' | 'body'> {
  const params = checkParams(route.params, request.params as Given, 'part of the path');
  checkParams(route.headers, request.headers, 'header');
  return {
    params,
    query: checkParams(route.query, request.query as Given, 'parameter', route.anyQuery ? 'ignored' : 'refused'),
    body: checkBody(route, request.body),
  };
}

/** What the lines of the log have of parameters. */
const factsOf = (
  named: Readonly<Record<string, Parameter>> | undefined,
  values: Readonly<Record<string, string>>,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(named ?? {}).flatMap(([name, { logAs }]) => {
      const value = values[name];
      return logAs === undefined || value === undefined ? [] : [[logAs, value]];
    }),
  );

function begin(reply: FastifyReply, status: number, answer: Answer | undefined): void {
  void reply.code(status);
  if (answer?.type !== undefined || answer?.schema !== undefined)
    void reply.type(answer.type ?? 'application/json; charset=utf-8');
}

function headerOf({ headers }: FastifyRequest, name: string): string | null {
  const value = headers[name];
  return typeof value === 'string' ? value : null;
}

const headOf = (request: FastifyRequest, reply: FastifyReply): AnswerHead => ({
  who: (name) => void (request.who = name),
  failed: ({ code, message }) => void (request.failure = { code, message, again: false }),
  status: (code) => void reply.code(code),
  type: (contentType) => void reply.type(contentType),
  header: (name, value) => void reply.header(name, value),
  trailer: (name, value) => void reply.trailer(name, async () => value()),
});

/** Whether who hears an answer that goes on would still be let in is asked so often, ms. */
const lookMs = 2000;

/** Ends an answer that goes on once its caller would not get it any more: its token was revoked, its user may do less. */
function endWith(answer: Readable, caller: Caller): void {
  const timer = setInterval(() => {
    if (!mayGoOn(caller))
      answer.destroy(new SendenseError('access.login', `${caller.name} may not have this any more`));
  }, lookMs).unref();
  answer.once('close', () => clearInterval(timer));
}

function mayGoOn(caller: Caller): boolean {
  try {
    return caller.isCurrent();
  } catch {
    // Nobody can say so.
    return false;
  }
}

/** Aborts when the caller goes away before the answer. Fastify's own `request.signal` aborts as soon as the body was read. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new SendenseError('job.cancelled', 'the caller went away'));
  });
  return controller.signal;
}
