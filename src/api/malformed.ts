import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger } from 'fastify';
import { limitPerMinute } from '../host/net/limit-per-minute.ts';
import { errorAnswer, httpError } from './error-answer.ts';
import { peerOf, type Guard } from './guard.ts';

const said: Record<string, readonly [status: number, message: string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request was not complete in time'],
  HPE_HEADER_OVERFLOW: [431, 'the head of the request is too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the chunk extensions are too large'],
};

/**
 * Ends a connection whose TLS did not begin. It counts for nothing: a browser that does not know the certificate breaks off dozens of times
 * before its user has agreed to it, and is welcome then.
 */
export function noHandshake(log: FastifyBaseLogger): (error: NodeJS.ErrnoException, socket: Socket) => void {
  /** They are told once a minute for each peer. */
  const failed = limitPerMinute(1);
  return (error, socket) => {
    const peer = peerOf({ socket });
    if (failed(peer).allowed) log.info({ peer, reason: error.code }, 'TLS did not begin');
    socket.destroy();
  };
}

interface Ended {
  readonly status: number;
  readonly message: string;
  /** Code of what came. */
  readonly reason: string | undefined;
  readonly headers?: readonly string[];
}

/** Answers who does not get as far as a route in the shape of every error, and ends the connection. */
const ending =
  (guard: Guard, log: FastifyBaseLogger) =>
  (socket: Socket, { status, message, reason, headers = [] }: Ended): void => {
    const peer = peerOf({ socket });
    const id = randomUUID();
    if (guard.malformed(peer).allowed) log.warn({ request_id: id, peer, status, reason }, message);
    void afterAnswers(socket, () => say(socket, { status, message, id, headers }));
  };

/** How long an answer that goes on may keep the next one waiting, ms. */
const patienceMs = 10_000;

/** Answers that go on, with their requests, by their connections. */
const answering = new WeakMap<Socket, Map<ServerResponse, IncomingMessage>>();

function noteAnswer(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  const all = answering.get(socket) ?? new Map<ServerResponse, IncomingMessage>();
  answering.set(socket, all.set(response, request));
  response.once('close', () => all.delete(response));
}

/** What was asked on this connection before is answered first: something may have been done. */
async function afterAnswers(socket: Socket, act: () => void): Promise<void> {
  // One that is not complete is what is malformed.
  const before = [...(answering.get(socket) ?? [])].flatMap(([response, { complete }]) => (complete ? [response] : []));
  const timer = setTimeout(() => socket.destroy(), patienceMs).unref();
  if (before.length > 0) await Promise.all(before.map((response) => once(response, 'close')));
  clearTimeout(timer);
  act();
}

interface Said extends Required<Pick<Ended, 'status' | 'message' | 'headers'>> {
  readonly id: string;
}

function say(socket: Socket, { status, message, id, headers }: Said): void {
  if (socket.writable) {
    const body = JSON.stringify(errorAnswer(httpError(status, message)).body);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${id}`,
      ...headers,
      'connection: close',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  }
  socket.destroySoon();
}

/** Answers what is not HTTP, or comes too slowly to become a request, or is of the parts of HTTP that no route has a use for. */
export function answerMalformed(server: Server, guard: Guard, log: FastifyBaseLogger): void {
  const end = ending(guard, log);
  server.prependListener('request', noteAnswer);
  server.removeAllListeners('clientError').on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET') return;
    const unproven = error.code?.startsWith('ERR_SSL') || error.code?.startsWith('ERR_TLS');
    if (socket.destroyed && !unproven) return;
    const [status, message] = said[error.code ?? ''] ?? [
      400,
      unproven ? 'no proof of the token' : 'this is not HTTP/1.1',
    ];
    end(socket, { status, message, reason: error.code });
  });
  server.on('connect', ({ socket }: IncomingMessage) =>
    end(socket, {
      status: 405,
      message: 'this is no proxy: it has no CONNECT',
      reason: 'CONNECT',
      headers: ['allow: GET, HEAD, POST, PUT, DELETE'],
    }),
  );
  server.on('checkExpectation', ({ socket }: IncomingMessage) =>
    end(socket, { status: 417, message: 'of Expect, 100-continue alone is understood', reason: 'Expect' }),
  );
}
