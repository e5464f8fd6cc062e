import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { SendenseError, toSendenseError } from '../../../errors/sendense-error.ts';
import type { DatastoreClient } from './datastore-client.ts';

export interface ForwardedFile extends AsyncDisposable {
  /** What to ask for on the socket. */
  readonly url: string;
  /** Why the last request that failed could not be answered; null where all could. */
  lastError(): SendenseError | null;
}

interface ForwardOptions {
  readonly client: DatastoreClient;
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** A path in a folder of this user alone. */
  readonly socket: string;
}

/**
 * Serves one file of a datastore by plain HTTP on a Unix socket, for nbdkit-curl. So the check of the certificate, the
 * session's cookie and its renewal, and what to do about a broken connection are all in this process, and nbdkit gets
 * neither names nor secrets.
 */
export async function forwardFile(options: ForwardOptions): Promise<ForwardedFile> {
  const closing = new AbortController();
  const sockets = new Set<Socket>();
  let lastError: SendenseError | null = null;
  // A write is over once the kernel has it all: the memory is used again.
  const server = createServer({ highWaterMark: 1 }, (socket) => {
    const gone = new AbortController();
    sockets.add(socket);
    socket
      .on('error', () => {})
      .on('close', () => {
        sockets.delete(socket);
        gone.abort();
      });
    const signal = AbortSignal.any([gone.signal, closing.signal]);
    const failed = (error: unknown): void => {
      if (!signal.aborted) lastError = toSendenseError(error);
    };
    converse(options, socket, signal, failed)
      .catch(failed)
      .finally(() => socket.destroy());
  });
  server.listen(options.socket);
  await once(server, 'listening');
  return {
    url: 'http://sendense/disk',
    lastError: () => lastError,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      closing.abort(new SendenseError('run.cancelled', 'the disk is no longer served'));
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Answers one request after the other until the other end closes; curl sends the next one when it has the answer. */
async function converse(
  options: ForwardOptions,
  socket: Socket,
  signal: AbortSignal,
  failed: (error: unknown) => void,
): Promise<void> {
  let text = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    text += chunk.toString('latin1');
    if (text.length > 65_536) return;
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const request = text.slice(0, end);
      text = text.slice(end + 4);
      await answer(options, request, socket, signal, failed);
      if (socket.destroyed) return;
    }
  }
}

async function answer(
  { client, path, size }: ForwardOptions,
  request: string,
  socket: Socket,
  signal: AbortSignal,
  failed: (error: unknown) => void,
): Promise<void> {
  const send = (status: string, fields: Readonly<Record<string, string | number>>): void => {
    const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`);
  };
  const [, method, url] = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/.exec(request) ?? [];
  if (url !== '/disk') return send('404 Not Found', { 'Content-Length': 0 });
  if (method === 'HEAD') return send('200 OK', { 'Content-Length': size, 'Accept-Ranges': 'bytes' });
  const range = /^range: bytes=([0-9]{1,16})-([0-9]{1,16})\r?$/im.exec(request);
  // nbdkit-curl asks for one byte more than it wants, even behind the end.
  const [first, last] = [Number(range?.[1] ?? size), Math.min(Number(range?.[2] ?? 0), size - 1)];
  if (method !== 'GET' || first > last) return send('416 Range Not Satisfiable', { 'Content-Length': 0 });

  // The header goes with the first byte, so that a request that fails at once is answered with a status.
  let started = false;
  try {
    await client.relay(
      path,
      { first, last },
      (chunk) => {
        if (!started)
          send('206 Partial Content', {
            'Content-Length': last - first + 1,
            'Content-Range': `bytes ${first}-${last}/${size}`,
          });
        started = true;
        socket.write(chunk);
        return socket.writableLength > 0 ? once(socket, 'drain', { signal }) : undefined;
      },
      signal,
    );
  } catch (error) {
    failed(error);
    if (started) socket.destroy();
    else send('502 Bad Gateway', { 'Content-Length': 0 });
  }
}
