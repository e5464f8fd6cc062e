import type { TLSSocket } from 'node:tls';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { connectPinned, type PinnedAddress } from '../connect-pinned.ts';
import { readInTurn, type TakeChunk } from './read-in-turn.ts';

export interface RangeRequest {
  readonly path: string;
  readonly cookie: string;
  /** Bytes, both inclusive. */
  readonly first: number;
  readonly last: number;
  /** Gets the bytes as they come. */
  readonly take: TakeChunk;
}

/** One HTTPS connection that is asked for one piece of a file after another. */
export interface RangeConnection extends Disposable {
  /** Another request can be sent. */
  readonly usable: boolean;
  /**
   * Answers the status: 206 with all bytes taken; any other without any, and the connection is over.
   * @throws SendenseError `vsphere.protocol` for an answer that is not what was asked for; an Error where the connection breaks
   */
  get(request: RangeRequest): Promise<number>;
}

const maxHeaderBytes = 64 * 1024;

interface Exchange {
  header: string;
  /** Bytes of the body still to come; null before the body. */
  left: number | null;
  readonly request: RangeRequest;
  resolve(status: number): void;
  reject(reason: unknown): void;
}

/**
 * HTTP is spoken here by hand, as far as pieces of files need it, because of how node:http reads (see `readInTurn`).
 * @param options.silenceMs a server that sends nothing for so long counts as gone
 */
export async function openRangeConnection(
  address: PinnedAddress,
  options: { readonly silenceMs: number; readonly signal?: AbortSignal | undefined },
): Promise<RangeConnection> {
  let exchange: Exchange | null = null;
  let connected: TLSSocket | null = null;
  const reader = readInTurn(received, fail);
  const socket = await connectPinned(address, options.signal, { onread: reader.onread } as object);
  connected = socket;
  reader.attach(socket);

  const finish = (end: (done: Exchange) => void): void => {
    const done = exchange;
    exchange = null;
    if (done) end(done);
  };
  function fail(reason: unknown): void {
    connected?.destroy();
    finish((done) => done.reject(reason));
  }
  const protocol = (what: string): SendenseError =>
    new SendenseError('vsphere.protocol', `${address.host}:${address.port} ${what}`);

  function received(chunk: Buffer): Promise<unknown> | undefined {
    if (!exchange) throw new Error('the server sent what was not asked for');
    const body = exchange.left === null ? afterHeader(exchange, chunk) : chunk;
    return body === null || body.length === 0 ? undefined : hand(exchange, body);
  }

  /** What follows the header; null where that is not all there yet, or no body is wanted. */
  function afterHeader(now: Exchange, chunk: Buffer): Buffer | null {
    const before = now.header.length;
    now.header += chunk.toString('latin1');
    const end = now.header.indexOf('\r\n\r\n');
    if (end < 0 && now.header.length > maxHeaderBytes) throw protocol('sent a header without an end');
    if (end < 0) return null;
    const status = Number(/^HTTP\/1\.[01] ([0-9]{3})/.exec(now.header)?.[1] ?? 0);
    if (status !== 206) {
      connected?.destroy();
      if (status === 0) throw protocol('does not speak HTTP');
      finish((done) => done.resolve(status));
      return null;
    }
    now.left = bodyLength(now.header.slice(0, end), now.request);
    return chunk.subarray(end + 4 - before);
  }

  function bodyLength(header: string, { first, last }: RangeRequest): number {
    const field = (name: string): string =>
      new RegExp(`^${name}:[ \\t]*([^\\r\\n]*?)[ \\t]*$`, 'im').exec(header)?.[1] ?? '';
    const length = last - first + 1;
    const range = field('content-range');
    if (!range.startsWith(`bytes ${first}-${last}/`))
      throw protocol(`was asked for bytes ${first}-${last} and answered with '${range.slice(0, 80)}'`);
    if (field('content-length') !== String(length))
      throw protocol(`sends ${field('content-length') || 'an unknown number of'} bytes in place of ${length}`);
    return length;
  }

  function hand(now: Exchange, body: Buffer): Promise<unknown> | undefined {
    const left = (now.left ?? 0) - body.length;
    if (left < 0) throw protocol(`sent ${-left} bytes too many`);
    now.left = left;
    const taken = now.request.take(body);
    if (left > 0) return taken;
    const over = (): void => finish((done) => done.resolve(206));
    if (taken) return taken.then(over);
    over();
    return undefined;
  }

  socket
    .on('error', (error) => fail(error))
    .on('close', () => fail(new Error('the connection broke')))
    .on('timeout', () => {
      // Silence that we made ourselves does not count, nor that between two requests.
      if (exchange && !reader.busy) fail(new Error(`the server was silent for ${options.silenceMs} ms`));
    })
    .setTimeout(options.silenceMs);
  const onAbort = (): void => fail(options.signal?.reason);
  options.signal?.addEventListener('abort', onAbort, { once: true });

  return {
    get usable() {
      return !socket.destroyed && !socket.readableEnded && socket.writable;
    },
    get: (request) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      exchange = { header: '', left: null, request, resolve, reject };
      if (socket.destroyed) fail(new Error('the connection broke'));
      else socket.write(headerOf(address, request));
      return promise;
    },
    [Symbol.dispose]: () => {
      options.signal?.removeEventListener('abort', onAbort);
      fail(new Error('the connection was closed'));
    },
  };
}

function headerOf({ host, port }: PinnedAddress, { path, cookie, first, last }: RangeRequest): string {
  const name = host.includes(':') ? `[${host}]` : host;
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${port === 443 ? name : `${name}:${port}`}`,
    'User-Agent: sendense',
    'Accept: */*',
    `Range: bytes=${first}-${last}`,
    `Cookie: ${cookie}`,
  ];
  const odd = lines.findIndex((line) => /[^\x20-\x7e]/.test(line));
  if (odd >= 0)
    throw new SendenseError('run.internal', `line ${odd} of a request has characters that have no place there`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
