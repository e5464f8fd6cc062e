import { request as httpRequest, type IncomingMessage } from 'node:http';
import { catalogue, type ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { shortText } from '../../host/net/bounded-answer.ts';
import { parseJson } from '../../schemas/parse-json.ts';
import type { ApiError } from '../../schemas/types.ts';
import { hubAgent } from './connect-hub.ts';
import type { HubPlace } from './hub-place.ts';

export interface HubRequest {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Those that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
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
  text(path: string, request?: HubRequest): Promise<string>;
  /** An answer as it begins; whoever takes it reads it to its end, or destroys it. */
  stream(path: string, request?: HubRequest): Promise<IncomingMessage>;
}

/** The longest silence of the hub, ms: a preview may ask a node that is far away. */
const silenceMs = 10 * 60_000;

/** The longest answer that is no stream. */
const mostBytes = 256 * 1024 * 1024;

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

  const named = async <T>({ signal }: HubRequest, act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof SendenseError ? error : unreachable(error as NodeJS.ErrnoException, place);
    }
  };

  const textOf = (answer: IncomingMessage): Promise<string> =>
    shortText(
      answer,
      mostBytes,
      () => new SendenseError('remote.answer', `${place.url} answers with more than ${mostBytes} bytes`),
    );

  const begun = async (path: string, request: HubRequest): Promise<IncomingMessage> => {
    const answer = await send(path, request);
    const status = answer.statusCode ?? 500;
    if (status < 400) return answer;
    throw errorOf(status, await textOf(answer), place);
  };

  const answered = (
    path: string,
    request: HubRequest = {},
  ): Promise<{ readonly answer: IncomingMessage; readonly body: string }> =>
    named(request, async () => {
      const answer = await begun(path, request);
      return { answer, body: await textOf(answer) };
    });

  return {
    place,
    ask: async <T>(path: string, request?: HubRequest) => parsed<T>((await answered(path, request)).body, place),
    read: async <T>(path: string) => {
      const { answer, body } = await answered(path);
      return { body: parsed<T>(body, place), etag: answer.headers.etag };
    },
    text: async (path, request) => (await answered(path, request)).body,
    stream: (path, request = {}) => named(request, () => begun(path, request)),
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
    return (body === '' ? undefined : parseJson(body)) as T;
  } catch (error) {
    throw new SendenseError('remote.answer', `what answers at ${url} is no hub`, { cause: error });
  }
}

/** What a hub says of something that went wrong, as an error of ours. */
export function errorSaid({ code, message, remedy }: ApiError['error'], status?: number): SendenseError {
  const said = { ...(typeof remedy === 'string' && { remedy }), ...(status !== undefined && { details: { status } }) };
  if (Object.hasOwn(catalogue, code)) return new SendenseError(code as ErrorCode, message, said);
  return new SendenseError('remote.answer', `${message} (${code})`, said);
}

function errorOf(status: number, body: string, { url }: HubPlace): SendenseError {
  const said = (() => {
    try {
      return (parseJson(body) as Partial<ApiError> | null)?.error;
    } catch {
      return undefined;
    }
  })();
  if (typeof said?.code !== 'string' || typeof said.message !== 'string')
    return new SendenseError('remote.answer', `${url} answered with status ${status}, and not as a hub does`);
  return errorSaid(said, status);
}

const unreachable = (error: NodeJS.ErrnoException, { url }: HubPlace): SendenseError =>
  new SendenseError('remote.unreachable', `no answer from the hub at ${url}: ${error.code ?? error.message}`, {
    cause: error,
  });
