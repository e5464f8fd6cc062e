import type { IncomingMessage } from 'node:http';
import { archiveStream, type ArchiveStream } from './archive-stream.ts';
import { askKeeper, type AskFiles, type KeeperRequest } from './ask-keeper.ts';
import { judgedText, type Judged } from './judge-answers.ts';
import type {
  FilesListOutput,
  FilesMountsOutput,
  FilesOutput,
  FilesStatOutput,
  RestoreMountRequest,
  RestorePlaces,
  RestoreUnchanged,
} from '../../schemas/types.ts';

/** A file or folder of an open restore point. */
export interface FilePlace {
  readonly session: string;
  readonly volume: string;
  /** Bytes of the path as base64url; empty: the root. */
  readonly path: string;
}

/** Files and folders of one volume. */
export interface FileSelection extends Pick<FilePlace, 'session' | 'volume'> {
  /** Paths as in a place. */
  readonly paths: readonly string[];
  /** Folders without what is in them. */
  readonly folders?: readonly string[];
  /** Folder below which names in the archive begin; default: the root. */
  readonly from?: string;
}

/** A folder that is compared in two sessions. */
export interface ComparedPlace extends Pick<FilePlace, 'volume' | 'path'> {
  readonly before: string;
  readonly after: string;
  readonly content: boolean;
}

interface ContentOptions {
  /** First byte that is wanted. */
  readonly from?: number;
  /** First byte that is not wanted any more. Default: all of the rest. */
  readonly to?: number;
  /** The ETag of before: where it is another one now, the whole file comes. */
  readonly sameAs?: string;
  readonly signal?: AbortSignal | undefined;
}

/** The routes about files. Errors are those of the API, with code and remedy. */
export interface FilesClient {
  open(request: RestoreMountRequest, signal?: AbortSignal): Promise<FilesOutput>;
  /** By the block indexes; opens nothing. */
  unchanged(before: RestoreMountRequest, after: RestoreMountRequest, signal?: AbortSignal): Promise<RestoreUnchanged>;
  mounts(): Promise<FilesMountsOutput>;
  /** @param options `volume` is opened first, so that what became of its journal is known */
  show(session: string, options?: { readonly volume?: string; readonly signal?: AbortSignal }): Promise<FilesOutput>;
  unlock(session: string, volume: string, passphrase: string): Promise<FilesOutput>;
  list(
    place: FilePlace,
    page?: { readonly after?: string | undefined; readonly limit?: number },
  ): Promise<FilesListOutput>;
  /** @param attributes whether the extended ones are wanted, which take time */
  stat(place: FilePlace, follow?: boolean, attributes?: boolean): Promise<FilesStatOutput>;
  /** JSON lines of `searchFiles`. */
  search(place: FilePlace, query: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<IncomingMessage>;
  /** JSON lines of `compareRestorePoints`. */
  compare(compared: ComparedPlace, signal?: AbortSignal): Promise<IncomingMessage>;
  /** @param from first byte that is wanted */
  content(place: FilePlace, options?: ContentOptions): Promise<IncomingMessage>;
  /** Where the content of a file lies in files that this process may read. */
  places(place: FilePlace, signal?: AbortSignal): Promise<RestorePlaces>;
  /** A tar archive of files and folders of one volume. */
  archive(selection: FileSelection, signal?: AbortSignal): Promise<ArchiveStream>;
  close(session: string): Promise<void>;
}

/** The routes about files, for as long as somebody needs them. */
export interface ReachedFiles extends AsyncDisposable {
  readonly client: FilesClient;
  /** Unix socket, reached by this user alone; empty: they are those of a hub on another machine. */
  readonly socket: string;
}

/** Asked at a Unix socket. */
export const filesClient = (socketPath: string): FilesClient =>
  filesClientBy((path, request) => askKeeper(socketPath, path, request));

export function filesClientBy(ask: AskFiles): FilesClient {
  const json = async <What extends keyof Judged>(
    what: What,
    path: string,
    asked?: KeeperRequest,
  ): Promise<Judged[What]> => judgedText(what, await ask(path, asked));
  const at = (
    { session, volume, path }: FilePlace,
    what: string,
    more: Readonly<Record<string, string>> = {},
  ): string => `/api/v1/restore/${session}/${what}?${new URLSearchParams({ volume, path, ...more }).toString()}`;
  const client: FilesClient = {
    open: (body, signal) => json('a restore point', '/api/v1/restore/mount', { method: 'POST', body, signal }),
    unchanged: (before, after, signal) =>
      json('what has changed', '/api/v1/restore/unchanged', { method: 'POST', body: { before, after }, signal }),
    mounts: () => json('what is open', '/api/v1/restore/mounts'),
    show: (session, { volume, signal } = {}) =>
      json(
        'a restore point',
        `/api/v1/restore/${session}${volume === undefined ? '' : `?volume=${encodeURIComponent(volume)}`}`,
        {
          signal,
        },
      ),
    unlock: (session, volume, passphrase) =>
      json('a restore point', `/api/v1/restore/${session}/unlock`, { method: 'POST', body: { volume, passphrase } }),
    list: (place, { after, limit } = {}) =>
      json(
        'a folder',
        at(place, 'files', {
          ...(after === undefined ? {} : { after }),
          ...(limit === undefined ? {} : { limit: String(limit) }),
        }),
      ),
    stat: (place, follow = false, attributes = true) =>
      json(
        'a file',
        at(place, 'stat', { ...(follow ? { follow: 'yes' } : {}), ...(attributes ? {} : { xattrs: 'no' }) }),
      ),
    search: (place, query, signal) => ask(at(place, 'search', query), { signal }),
    compare: ({ before: a, after: b, volume, path, content }, signal) => {
      const query = { a, b, volume, path, ...(content ? { content: 'yes' } : {}) };
      return ask(`/api/v1/restore/compare?${new URLSearchParams(query).toString()}`, { signal });
    },
    content: (place, { from = 0, to, sameAs, signal } = {}) =>
      ask(at(place, 'download'), {
        signal,
        headers: {
          ...(from > 0 || to !== undefined ? { range: `bytes=${from}-${to === undefined ? '' : to - 1}` } : {}),
          ...(sameAs === undefined ? {} : { 'if-range': sameAs }),
        },
      }),
    places: (place, signal) => json('the content of a file', at(place, 'places'), { signal }),
    async archive({ session, ...body }, signal) {
      const answer = await ask(`/api/v1/restore/${session}/parts`, { method: 'POST', body, signal });
      return archiveStream(answer, async () => void (await client.show(session, { volume: body.volume, signal })));
    },
    close: async (session) => void (await ask(`/api/v1/restore/${session}`, { method: 'DELETE' })),
  };
  return client;
}
