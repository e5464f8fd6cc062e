import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { catalogue, type ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { keeperToken, leftOutTrailer } from '../../hub/files/keeper-socket.ts';
import type {
  ApiError,
  FilesListOutput,
  FilesMountsOutput,
  FilesOutput,
  FilesStatOutput,
  RestoreMountRequest,
} from '../../schemas/types.ts';

/** A file or folder of an open restore point. */
export interface FilePlace {
  readonly session: string;
  readonly volume: string;
  /** Bytes of the path as base64url; empty: the root. */
  readonly path: string;
}

interface ContentOptions {
  /** First byte that is wanted. */
  readonly from?: number;
  /** The ETag of before: where it is another one now, the whole file comes. */
  readonly sameAs?: string;
  readonly signal?: AbortSignal | undefined;
}

/** The routes about files, asked at a Unix socket. Errors are those of the API, with code and remedy. */
export interface FilesClient {
  open(request: RestoreMountRequest): Promise<FilesOutput>;
  mounts(): Promise<FilesMountsOutput>;
  /** @param volume opened first, so that what became of its journal is known */
  show(session: string, volume?: string): Promise<FilesOutput>;
  unlock(session: string, volume: string, passphrase: string): Promise<FilesOutput>;
  list(
    place: FilePlace,
    page?: { readonly after?: string | undefined; readonly limit?: number },
  ): Promise<FilesListOutput>;
  stat(place: FilePlace, follow?: boolean): Promise<FilesStatOutput>;
  /** JSON lines of `searchFiles`. */
  search(place: FilePlace, query: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<IncomingMessage>;
  /** @param from first byte that is wanted */
  content(place: FilePlace, options?: ContentOptions): Promise<IncomingMessage>;
  /** A tar archive of files and folders of one volume. {@link leftOutIn} says what is not in it. */
  archive(places: readonly [FilePlace, ...FilePlace[]], signal?: AbortSignal): Promise<IncomingMessage>;
  close(session: string): Promise<void>;
}

/** What `tar` said of files that are not in an archive, a line each; known when the archive has ended. */
export const leftOutIn = ({ trailers }: Pick<IncomingMessage, 'trailers'>): string[] =>
  Buffer.from(trailers[leftOutTrailer] ?? '', 'base64')
    .toString()
    .split('\n')
    .filter((line) => line !== '');

interface Asked {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

export function filesClient(socketPath: string): FilesClient {
  const ask = async (path: string, asked: Asked = {}): Promise<IncomingMessage> => {
    const answer = await send(socketPath, path, asked);
    if ((answer.statusCode ?? 500) < 300) return answer;
    throw errorOf(JSON.parse(await text(answer)) as ApiError);
  };
  const json = async <T>(path: string, asked?: Asked): Promise<T> =>
    JSON.parse(await text(await ask(path, asked))) as T;
  const at = (
    { session, volume, path }: FilePlace,
    what: string,
    more: Readonly<Record<string, string>> = {},
  ): string => `/api/v1/restore/${session}/${what}?${new URLSearchParams({ volume, path, ...more }).toString()}`;
  return {
    open: (body) => json('/api/v1/restore/mount', { method: 'POST', body }),
    mounts: () => json('/api/v1/restore/mounts'),
    show: (session, volume) =>
      json(`/api/v1/restore/${session}${volume === undefined ? '' : `?volume=${encodeURIComponent(volume)}`}`),
    unlock: (session, volume, passphrase) =>
      json(`/api/v1/restore/${session}/unlock`, { method: 'POST', body: { volume, passphrase } }),
    list: (place, { after, limit } = {}) =>
      json(
        at(place, 'files', {
          ...(after === undefined ? {} : { after }),
          ...(limit === undefined ? {} : { limit: String(limit) }),
        }),
      ),
    stat: (place, follow = false) => json(at(place, 'stat', follow ? { follow: 'yes' } : {})),
    search: (place, query, signal) => ask(at(place, 'search', query), { signal }),
    content: (place, { from = 0, sameAs, signal } = {}) =>
      ask(at(place, 'download'), {
        signal,
        headers: {
          ...(from > 0 ? { range: `bytes=${from}-` } : {}),
          ...(sameAs === undefined ? {} : { 'if-range': sameAs }),
        },
      }),
    archive: ([first, ...others], signal) =>
      ask(`/api/v1/restore/${first.session}/selection`, {
        method: 'POST',
        body: { volume: first.volume, paths: [first, ...others].map(({ path }) => path) },
        signal,
      }),
    close: async (session) => void (await ask(`/api/v1/restore/${session}`, { method: 'DELETE' })),
  };
}

const send = (
  socketPath: string,
  path: string,
  { method = 'GET', body, headers, signal }: Asked,
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
    request.once('response', resolve).once('error', reject);
    request.end(payload);
  });

function errorOf({ error }: ApiError): Error {
  const { code, message, remedy } = error;
  return Object.hasOwn(catalogue, code)
    ? new SendenseError(code as ErrorCode, message, { remedy })
    : new Error(message);
}
