import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { catalogue, type ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ApiError } from '../../schemas/types.ts';
import { cutOff } from './cut-off.ts';
import { keeperToken } from './wire.ts';

export interface KeeperRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** Asks the routes about files, wherever they are answered; as {@link askKeeper}. */
export type AskFiles = (path: string, request?: KeeperRequest) => Promise<IncomingMessage>;

/**
 * Asks the keeper of files at its socket.
 * @returns the answer as it begins
 * @throws SendenseError what the keeper answered; `files.reader` where it is gone
 */
export async function askKeeper(
  socketPath: string,
  path: string,
  request: KeeperRequest = {},
): Promise<IncomingMessage> {
  const answer = await send(socketPath, path, request).catch((error: NodeJS.ErrnoException) => {
    request.signal?.throwIfAborted();
    throw new SendenseError('files.reader', `what keeps restore points open is gone: ${error.code ?? error.message}`, {
      cause: error,
    });
  });
  if ((answer.statusCode ?? 500) < 400) return answer;
  if (request.method === 'HEAD') throw headError(answer.resume());
  throw errorOf(JSON.parse(await text(answer)) as ApiError, answer);
}

const send = (
  socketPath: string,
  path: string,
  { method = 'GET', body, headers, signal }: KeeperRequest,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const request = httpRequest({
      socketPath,
      path,
      method,
      signal,
      headers: {
        authorization: `Bearer ${keeperToken}`,
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
        ...headers,
      },
    });
    request
      .once('response', (answer) => resolve(withNamedEnd(answer)))
      .once('error', (error: NodeJS.ErrnoException) => reject(namedEnd(error)));
    request.end(payload);
  });

const ends = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ENOENT']);

/** Whoever answers was killed, or ends. */
const namedEnd = (error: NodeJS.ErrnoException): Error => (ends.has(error.code ?? '') ? cutOff(error) : error);

/** However somebody takes the answer, an end before its end is told as that. */
function withNamedEnd(answer: IncomingMessage): IncomingMessage {
  const destroy = answer.destroy.bind(answer);
  answer.destroy = (error) => destroy(error && namedEnd(error));
  return answer;
}

function errorOf({ error, field }: ApiError, { headers }: IncomingMessage): Error {
  const { code, message, remedy } = error;
  if (!Object.hasOwn(catalogue, code)) return new Error(message);
  const retry = headers['retry-after'];
  const details = { ...(field === null ? {} : { field }), ...(retry === undefined ? {} : { retrySeconds: retry }) };
  return new SendenseError(code as ErrorCode, message, { remedy, details });
}

/** An answer to HEAD has no body: its status is all that is known. */
const headError = ({ statusCode }: IncomingMessage): Error =>
  Object.assign(new Error('the answer to HEAD has no more than its status'), { statusCode });
