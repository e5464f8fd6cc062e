import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
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
/** Those that failed are told once a minute for each peer. */
const failedHandshakes = limitPerMinute(1);

/**
 * Ends a connection whose TLS did not begin. It counts for nothing: a browser that does not know the certificate breaks off dozens of times
 * before its user has agreed to it, and is welcome then.
 */
export const noHandshake =
  (log: FastifyBaseLogger) =>
  (error: NodeJS.ErrnoException, socket: Socket): void => {
    const peer = peerOf({ socket });
    if (failedHandshakes(peer).allowed) log.info({ peer, reason: error.code }, 'TLS did not begin');
    socket.destroy();
  };

/** Answers what is not HTTP, or comes too slowly to become a request, in the shape of every error, and ends the connection. */
export const malformedAnswer =
  (guard: Guard, log: FastifyBaseLogger) =>
  (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === 'ECONNRESET') return;
    const unproven = error.code?.startsWith('ERR_SSL') || error.code?.startsWith('ERR_TLS');
    if (socket.destroyed && !unproven) return;
    const peer = peerOf({ socket });
    const id = randomUUID();
    const [status, message] = said[error.code ?? ''] ?? [
      400,
      unproven ? 'no proof of the token' : 'this is not HTTP/1.1',
    ];
    if (guard.malformed(peer).allowed) log.warn({ request_id: id, peer, status, reason: error.code }, message);
    if (socket.writable) {
      const body = JSON.stringify(errorAnswer(httpError(status, message)).body);
      const head = [
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
        'content-type: application/json; charset=utf-8',
        `content-length: ${Buffer.byteLength(body)}`,
        `x-request-id: ${id}`,
        'connection: close',
      ];
      socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    }
    socket.destroySoon();
  };
