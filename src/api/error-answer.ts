import type { IncomingMessage } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../errors/catalogue.ts';
import { errorToJson, SendenseError } from '../errors/sendense-error.ts';
import { namedFull, temporaryPlace } from '../host/files/full-disk.ts';
import type { ApiError } from '../schemas/types.ts';
import { statusOf } from './common-errors.ts';

/** An error that HTTP itself has a status for (404, 408, 413, 415); its code is `request.invalid`. */
export const httpError = (statusCode: number, message: string, remedy?: string): Error =>
  Object.assign(new Error(message), { statusCode, remedy });

/** What an error is answered with: status and `schemas/api/error.json`. */
export function errorAnswer(raw: FastifyError | Error): { readonly status: number; readonly body: ApiError } {
  const { statusCode, remedy } = raw as FastifyError & { readonly remedy?: string };
  const byHttp = !(raw instanceof SendenseError) && statusCode !== undefined && statusCode >= 400 && statusCode < 500;
  const way = remedy ?? (statusCode === undefined ? undefined : remedyOf[statusCode]);
  const error = byHttp
    ? new SendenseError('request.invalid', raw.message, way === undefined ? {} : { remedy: way })
    : namedFull(raw, [temporaryPlace()]);
  const field = error.details?.['field'];
  return {
    status: byHttp ? statusCode : statusOf(error.code),
    body: { error: errorToJson(error), field: typeof field === 'string' ? field : null },
  };
}

/** What to do about what HTTP itself has a status for; it is no field that is wrong. */
const remedyOf: Readonly<Record<number, string>> = {
  405: 'Ask for a path of the API itself.',
  408: 'Send the request faster, or look at what is slow on the way.',
  413: 'Send less: the OpenAPI document of the API says how long the body of each request may be.',
  415: 'Send the `Content-Type` that the OpenAPI document of the API names: `application/json`, unless it says otherwise.',
  417: 'Leave the header `Expect` out.',
};

/** Every error of the API in one shape, `schemas/api/error.json`. */
export function answerError(raw: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): void {
  const { status, body } = errorAnswer(raw);
  const details = raw instanceof SendenseError ? (raw.details ?? {}) : {};
  const { message } = body.error;
  request.failure = { code: body.error.code as ErrorCode, message, again: details['first'] === false };
  if (details['retrySeconds'] !== undefined) void reply.header('retry-after', String(details['retrySeconds']));
  // RFC 9110, 11.6.1. No browser asks for a password of its own because of it.
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="Sendense"');
  if (!request.raw.complete) letGo(request.raw);
  forget(reply);
  // What is there now, for who has seen something older (RFC 9110, 8.8.3).
  if (details['etag'] !== undefined) void reply.header('etag', String(details['etag']));
  void reply.header('x-request-id', request.id).code(status).send(body);
}

/** Headers of an answer that the error takes the place of: a stream has set them, and then failed before its first byte. */
const ofAnswer = [
  'content-type',
  'content-length',
  'content-range',
  'content-disposition',
  'etag',
  'accept-ranges',
  'trailer',
  'transfer-encoding',
] as const;

function forget(reply: FastifyReply): void {
  if (reply.raw.headersSent) return;
  const trailers = reply.raw.getHeader('trailer') ?? reply.getHeader('trailer') ?? '';
  for (const name of String(trailers).split(/[ ,]+/)) if (name !== '') reply.removeTrailer(name);
  for (const name of ofAnswer) {
    reply.raw.removeHeader(name);
    reply.removeHeader(name);
  }
}

/** How long a caller may go on sending a body after the answer, ms. */
const lingerMs = 2000;

/**
 * Reads the rest of a body for nothing, for a moment: a connection that was closed at once would take the answer with it,
 * and one that was kept would be held by whoever sends slowly.
 */
function letGo(body: IncomingMessage): void {
  const timer = setTimeout(() => body.socket.destroy(), lingerMs).unref();
  body
    .once('end', () => clearTimeout(timer))
    .once('close', () => clearTimeout(timer))
    .unpipe()
    .resume();
}
