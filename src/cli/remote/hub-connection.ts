import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { catalogue, type ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ApiError } from '../../schemas/types.ts';
import { hubAgent } from './connect-hub.ts';
import type { HubPlace } from './hub-place.ts';

export interface HubRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Those that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** The API of a hub on another machine. Errors are those that the hub answered, with code and remedy. */
export interface HubConnection extends Disposable {
  readonly place: HubPlace;
  /** @param path of the API, its parameters encoded: `/api/v1/runs` */
  ask<T>(path: string, request?: HubRequest): Promise<T>;
  /** An answer with its version. */
  read<T>(path: string): Promise<{ readonly body: T; readonly etag: string | undefined }>;
  /** An answer that is no JSON. */
  text(path: string): Promise<string>;
}

/** The longest silence of the hub, ms: a preview may ask a node that is far away. */
const silenceMs = 10 * 60_000;

/** @throws SendenseError of each call: what the hub answered; `remote.unreachable`, `remote.certificate`, `remote.answer` */
export function connectHub(place: HubPlace): HubConnection {
  const agent = hubAgent(place);

  const send = (
    path: string,
    { method = 'GET', query = {}, body, headers, signal }: HubRequest,
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const request = httpRequest({
        agent,
        host: place.host,
        port: place.port,
        path: withQuery(path, query),
        method,
        signal,
        timeout: silenceMs,
        headers: {
          host: new URL(place.url).host,
          authorization: `Bearer ${place.token}`,
          ...(payload === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
          ...headers,
        },
      });
      request
        .once('response', resolve)
        .once('timeout', () => request.destroy(new Error(`no answer within ${silenceMs / 60_000} minutes`)))
        .once('error', (error) => reject(error));
      request.end(payload);
    });

  const answered = async (
    path: string,
    request: HubRequest = {},
  ): Promise<{ answer: IncomingMessage; body: string }> => {
    try {
      const answer = await send(path, request);
      const body = await text(answer);
      const status = answer.statusCode ?? 500;
      if (status < 400) return { answer, body };
      throw errorOf(status, body, place);
    } catch (error) {
      request.signal?.throwIfAborted();
      throw error instanceof SendenseError ? error : unreachable(error as NodeJS.ErrnoException, place);
    }
  };

  return {
    place,
    ask: async <T>(path: string, request?: HubRequest) => parsed<T>((await answered(path, request)).body, place),
    read: async <T>(path: string) => {
      const { answer, body } = await answered(path);
      return { body: parsed<T>(body, place), etag: answer.headers.etag };
    },
    text: async (path) => (await answered(path)).body,
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function withQuery(path: string, query: NonNullable<HubRequest['query']>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

function parsed<T>(body: string, { url }: HubPlace): T {
  try {
    return (body === '' ? undefined : JSON.parse(body)) as T;
  } catch (error) {
    throw new SendenseError('remote.answer', `what answers at ${url} is no hub`, { cause: error });
  }
}

function errorOf(status: number, body: string, { url }: HubPlace): SendenseError {
  const said = (() => {
    try {
      return (JSON.parse(body) as Partial<ApiError> | null)?.error;
    } catch {
      return undefined;
    }
  })();
  if (typeof said?.code !== 'string' || typeof said.message !== 'string')
    return new SendenseError('remote.answer', `${url} answered with status ${status}, and not as a hub does`);
  const remedy = typeof said.remedy === 'string' ? { remedy: said.remedy } : {};
  if (Object.hasOwn(catalogue, said.code)) return new SendenseError(said.code as ErrorCode, said.message, remedy);
  return new SendenseError('remote.answer', `${said.message} (${said.code})`, remedy);
}

const unreachable = (error: NodeJS.ErrnoException, { url }: HubPlace): SendenseError =>
  new SendenseError('remote.unreachable', `no answer from the hub at ${url}: ${error.code ?? error.message}`, {
    cause: error,
  });
