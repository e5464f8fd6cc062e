import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { proofServerOptions, tlsFirstByte } from '../host/node-api/node-proof.ts';

export interface LetProveOptions {
  readonly token: string;
  /** Until the first byte, and until the proof, ms. */
  readonly withinMs: number;
}

/**
 * Lets connections to an HTTP server begin with a proof of the token (`node-proof.ts`), by callers that want to know who listens before they
 * tell it; others speak HTTP at once. A
 * connection that says nothing, or proves nothing, is a `clientError` of the server.
 */
export function letProve(server: Server, { token, withinMs }: LetProveOptions): void {
  const [speakHttp] = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  if (!speakHttp) throw new Error('the HTTP server does not listen to its connections');
  // Imported only where something listens.
  const { createServer } = process.getBuiltinModule('node:tls');
  const proof = createServer(proofServerOptions(token, withinMs), (proven) => speakHttp.call(server, proven));
  proof.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
    socket.destroy();
    server.emit('clientError', Object.assign(error, { code: error.code ?? 'ERR_SSL' }), socket);
  });
  const undecided = new Set<Socket>();
  server.removeAllListeners('connection').on('connection', (socket: Socket) => {
    undecided.add(socket);
    const leave = (): void => {
      clearTimeout(timer);
      undecided.delete(socket);
      socket.off('readable', look).off('end', end).off('close', leave).off('error', ignore);
    };
    const ignore = (): void => {};
    const look = (): void => {
      const first = socket.read(1) as Buffer | null;
      if (first === null) return;
      leave();
      socket.unshift(first);
      if (first[0] === tlsFirstByte) proof.emit('connection', socket);
      else speakHttp.call(server, socket);
    };
    const end = (): void => void socket.destroy();
    const timer = setTimeout(() => {
      leave();
      socket.on('error', ignore);
      server.emit('clientError', Object.assign(new Error('silence'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
    }, withinMs);
    socket.on('readable', look).on('end', end).on('close', leave).on('error', ignore);
  });
  const close = server.close.bind(server);
  server.close = (done) => {
    for (const socket of undecided) socket.destroy();
    return close(done);
  };
}
