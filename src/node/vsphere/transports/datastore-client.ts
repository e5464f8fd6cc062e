import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { keptAliveAgent } from '../../../host/net/keep-alive.ts';
import { connectPinned, type PinnedAddress } from '../connect-pinned.ts';
import type { TakeChunk } from './read-in-turn.ts';
import { openRangeConnection, type RangeConnection, type RangeRequest } from './range-connection.ts';
import type { TransportContext } from './transport.ts';

/** Reads files through vSphere's datastore access (`/folder`). What breaks on the way is taken up again where it broke. */
export interface DatastoreClient extends Disposable {
  /** @throws SendenseError as `stream` does */
  head(path: string, signal?: AbortSignal): Promise<FileHead>;
  /**
   * Hands the bytes from `first` to `last` inclusive to `write`, in order, each once. What makes `write` fail aborts `signal`.
   * @throws SendenseError `vsphere.tls|unreachable|login|permission|protocol`, `source.missing`, `transport.failed`; on
   *   abort the signal's reason
   */
  stream(path: string, range: ByteRange, write: TakeChunk, signal?: AbortSignal): Promise<void>;
  /** As `stream`, for much: the memory of a chunk is used again once `take`, or what it promises, is over. */
  relay(path: string, range: ByteRange, take: TakeChunk, signal?: AbortSignal): Promise<void>;
}

/** Bytes, both inclusive. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

export interface FileHead {
  /** Bytes; null where the server does not say. */
  readonly size: number | null;
  /** Parts of the file can be asked for. */
  readonly ranges: boolean;
}

/** Pauses between tries of which none brought a byte, ms. */
const pausesMs = [50, 1000, 2000, 4000, 8000, 15_000, 30_000];

/** A server that says nothing for so long is asked again, ms. */
const silenceMs = 60_000;

type Answer = IncomingMessage & { readonly statusCode: number };

export function datastoreClient(
  context: Pick<TransportContext, 'spec' | 'cookie' | 'signal'>,
  options: {
    /** For questions about files. Default: 2. */
    readonly connections?: number;
    readonly silenceMs?: number;
    readonly pausesMs?: readonly number[];
  } = {},
): DatastoreClient {
  const address: PinnedAddress = context.spec;
  const silence = options.silenceMs ?? silenceMs;
  const pauses = options.pausesMs ?? pausesMs;
  const closing = new AbortController();
  const agent = pinnedAgent(address, options.connections ?? 2, closing.signal);
  /** Connections that nobody uses at the moment. */
  const idle: RangeConnection[] = [];

  /** Sends a request with the session's cookie; once more with a new one where it was refused. */
  const withCookie = async <T>(ask: (cookie: string) => Promise<T>, statusOf: (answer: T) => number): Promise<T> => {
    const cookie = await context.cookie();
    const answer = await ask(cookie);
    return statusOf(answer) === 401 ? ask(await context.cookie(cookie)) : answer;
  };

  /** Runs `part` until it succeeds, or fails for good, or too often in a row without getting further. */
  const persist = async <T>(part: (moved: () => void) => Promise<T>, path: string, signal: AbortSignal): Promise<T> => {
    for (let tries = 0; ; tries++) {
      signal.throwIfAborted();
      try {
        return await part(() => (tries = -1));
      } catch (error) {
        signal.throwIfAborted();
        if (isFinal(error)) throw error;
        const pause = pauses[Math.max(tries, 0)];
        if (pause === undefined) throw gaveUp(error, path, address);
        await delay(pause, undefined, { signal }).catch(() => {});
      }
    }
  };

  const all = (signal: AbortSignal | undefined): AbortSignal =>
    AbortSignal.any([closing.signal, ...[signal, context.signal].filter((one) => one !== undefined)]);

  /** Asks on a connection of its own, which is kept for the next one where it stays usable. */
  const get = async (request: RangeRequest, given: AbortSignal | undefined): Promise<number> => {
    let connection = idle.pop();
    while (connection && !connection.usable) connection = idle.pop();
    connection ??= await openRangeConnection(address, { silenceMs: silence, signal: all(undefined) });
    const stop = (): void => connection[Symbol.dispose]();
    given?.addEventListener('abort', stop, { once: true });
    try {
      given?.throwIfAborted();
      return await connection.get(request);
    } finally {
      given?.removeEventListener('abort', stop);
      if (connection.usable && !closing.signal.aborted) idle.push(connection);
      else stop();
    }
  };

  const client: DatastoreClient = {
    head: (path, given) => {
      const signal = all(given);
      return persist(
        async () => {
          const ask = (cookie: string) => sendHead({ agent, address, path, cookie, silenceMs: silence }, signal);
          const answer = await withCookie(ask, ({ statusCode }) => statusCode);
          assertStatus(answer.statusCode, 200, path, address);
          const length = answer.headers['content-length'];
          return {
            size: length === undefined ? null : Number(length),
            ranges: answer.headers['accept-ranges']?.toLowerCase() === 'bytes',
          };
        },
        path,
        signal,
      );
    },
    stream: (path, range, write, signal) => client.relay(path, range, (chunk) => write(Buffer.from(chunk)), signal),
    relay: (path, { first, last }, write, given) => {
      const signal = all(given);
      let at = first;
      return persist(
        async (moved) => {
          // The connection can break when all is there.
          if (at > last) return;
          const take = (chunk: Buffer): Promise<unknown> | undefined => {
            at += chunk.length;
            moved();
            return write(chunk);
          };
          const status = await withCookie(
            (cookie) => get({ path, cookie, first: at, last, take }, given),
            (answer) => answer,
          );
          assertStatus(status, 206, path, address);
        },
        path,
        signal,
      );
    },
    [Symbol.dispose]: () => {
      closing.abort(new SendenseError('run.cancelled', 'the disk is no longer served'));
      for (const connection of idle) connection[Symbol.dispose]();
      agent.destroy();
    },
  };
  return client;
}

/** Faults that a second try may cure come as plain errors. */
const isFinal = (error: unknown): boolean => error instanceof SendenseError && error.code !== 'vsphere.unreachable';

function pinnedAgent(address: PinnedAddress, maxSockets: number, closed: AbortSignal): Agent {
  const agent = new Agent({ ...keptAliveAgent, maxSockets });
  // Node calls this for each new connection, and writes the request once the connection has been checked and given out.
  agent.createConnection = (_options, callback) => {
    void connectFor(address, closed, callback as (error: unknown, socket?: Duplex) => void);
    return undefined;
  };
  return agent;
}

async function connectFor(
  address: PinnedAddress,
  closed: AbortSignal,
  done: (error: unknown, socket?: Duplex) => void,
): Promise<void> {
  let socket: Duplex;
  try {
    socket = await connectPinned(address, closed);
  } catch (error) {
    done(error);
    return;
  }
  done(null, socket);
}

interface HeadRequest {
  readonly agent: Agent;
  readonly address: PinnedAddress;
  readonly path: string;
  readonly cookie: string;
  readonly silenceMs: number;
}

function sendHead({ agent, address, path, cookie, silenceMs: ms }: HeadRequest, signal: AbortSignal): Promise<Answer> {
  const { host, port } = address;
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ agent, host, port, method: 'HEAD', path, headers: { cookie }, signal });
    request.setTimeout(ms, () => request.destroy(new Error(`the server was silent for ${ms} ms`)));
    request.on('response', (answer) => resolve(answer.resume() as Answer)).on('error', reject);
    request.end();
  });
}

const fileOf = (path: string): string => decodeURIComponent(path.split('?')[0] ?? '').slice('/folder/'.length);

function assertStatus(status: number, wanted: number, path: string, address: PinnedAddress): void {
  if (status === wanted) return;
  const file = fileOf(path);
  const where = `${address.host}:${address.port}`;
  if (status === 401)
    throw new SendenseError('vsphere.login', `${where} does not accept the session for ${file} (HTTP 401)`);
  if (status === 403) {
    throw new SendenseError('vsphere.permission', `${where} does not let this user read ${file} (HTTP 403)`, {
      remedy:
        'Give the user the privileges "Browse datastore" and "Low level file operations" on the datastore, see docs/vsphere.md; or use the transport vddk.',
    });
  }
  if (status === 404) throw new SendenseError('source.missing', `${where} knows no file ${file} (HTTP 404)`);
  if (status === 408 || status === 429 || status >= 500) throw new Error(`HTTP ${status}`);
  const what = status === 200 ? 'sends whole files only (HTTP 200)' : `answered with HTTP ${status}`;
  throw new SendenseError('vsphere.protocol', `${where} ${what} for ${file}`);
}

function gaveUp(error: unknown, path: string, address: PinnedAddress): SendenseError {
  if (error instanceof SendenseError) return error;
  const what = `${address.host}:${address.port}: reading ${fileOf(path)} failed again and again`;
  return new SendenseError('transport.failed', `${what}: ${(error as Error).message}`, { cause: error });
}
