import { once } from 'node:events';
import { createServer, connect, type Server, type Socket, type TcpNetConnectOpts } from 'node:net';
import { join } from 'node:path';
import {
  openTunnel,
  type Forward,
  type Tunnel,
  type TunnelOptions,
  type TunnelState,
} from '../../../src/host/ssh/tunnel.ts';
import type { Sshd } from '../../support/sshd.ts';

export const loopback = (port: number): { host: string; port: number } => ({ host: '127.0.0.1', port });

export const forward = (listen: number, target: number): Forward => ({
  listen: loopback(listen),
  connect: loopback(target),
});

/** Answers each connection with `serve`, by default with what it hears; ends with the block. */
export async function server(
  port: number,
  serve: (socket: Socket) => void = (socket) => void socket.pipe(socket),
): Promise<Server & AsyncDisposable> {
  const made = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  }).listen(port, '127.0.0.1');
  await once(made, 'listening');
  const sockets = new Set<Socket>();
  made.on('connection', (socket) => void sockets.add(socket));
  return Object.assign(made, {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      made.close();
      await once(made, 'close');
    },
  });
}

export interface WatchedTunnel extends Tunnel {
  readonly states: TunnelState[];
  readonly lines: string[];
  readonly logged: string[];
}

export function tunnelTo(sshd: Sshd, folder: string, options: Partial<TunnelOptions>): WatchedTunnel {
  const states: TunnelState[] = [];
  const lines: string[] = [];
  const logged: string[] = [];
  const tunnel = openTunnel({
    server: sshd.server,
    keyFile: sshd.keyFile,
    folder: join(folder, 'tunnel'),
    command: 'cat',
    local: [],
    remote: [],
    onState: (state) => states.push(state),
    onLine: (line) => lines.push(line),
    log: (level, message) => logged.push(`${level} ${message}`),
    ...options,
  });
  return Object.assign(tunnel, { states, lines, logged });
}

/** What comes back for `bytes`, from a connection that ends its own direction after them. */
export async function exchange(target: { port: number } | { path: string }, bytes: Uint8Array): Promise<Buffer> {
  const socket = connect({ host: '127.0.0.1', allowHalfOpen: true, ...target } as TcpNetConnectOpts);
  await once(socket, 'connect');
  socket.end(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
