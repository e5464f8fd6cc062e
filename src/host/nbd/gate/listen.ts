import { createServer, type Server, type Socket } from 'node:net';
import { keptAlive } from '../../net/keep-alive.ts';
import { createGreeter, greeting } from './greet.ts';
import { bufferedBytes, passOn } from './pass-on.ts';
import type { WaitingRoom } from './waiting-room.ts';

export interface GatePlace {
  readonly address: string;
  readonly port: number;
  /** Path of the Unix socket of the server behind the gate. */
  readonly socket: string;
  /** The key, hex. A secret. */
  readonly psk: string;
}

/** Connections that the kernel holds for us: as many as it likes (net.core.somaxconn). */
const backlog = 4096;

/** Listens at a port, and lets those through to a server who have the key. Rejects with the error of the system. */
export async function listenAtGate(place: GatePlace, room: WaitingRoom): Promise<AsyncDisposable> {
  const psk = Buffer.from(place.psk, 'hex');
  const open = new Set<Socket>();
  const options = { allowHalfOpen: true, noDelay: true, ...keptAlive };
  const server = createServer({ ...options, highWaterMark: bufferedBytes } as object, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    admit(socket, place, psk, room);
  });
  await listening(server, place);
  return {
    [Symbol.asyncDispose]: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
      await promise;
    },
  };
}

async function listening(server: Server, { address, port }: GatePlace): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: address, port, backlog, exclusive: true }, () => resolve());
  await promise;
  // Out of descriptors, for example: the next connection is another matter.
  server.off('error', reject).on('error', () => undefined);
}

function admit(socket: Socket, { port, socket: path }: GatePlace, psk: Buffer, room: WaitingRoom): void {
  room.enter(socket, port);
  const greeter = createGreeter(psk, (data) => socket.write(data));
  const leave = (): void => void socket.destroy();
  const hear = (chunk: Buffer): void => {
    const answer = greeter.take(chunk);
    if (answer.kind === 'more') return;
    socket.off('data', hear).off('end', leave).pause();
    if (answer.kind === 'refused') return void socket.end(leave);
    room.leave(socket);
    passOn(socket, path, answer);
  };
  socket.on('error', leave).on('data', hear).once('end', leave);
  socket.write(greeting);
}
