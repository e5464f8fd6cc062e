import { isIPv4, type Server, type Socket } from 'node:net';

export interface NewcomerLimits {
  /** Connections that have not shown a token yet; one more ends the oldest of them: those who mean it are quick. */
  readonly most: number;
  /** Of one address that is not of this machine; all that come from it, also through tunnels, look alike. */
  readonly mostOfOnePeer: number;
}

export interface Newcomers {
  /** It has shown the token: it stays, whoever comes. */
  known(socket: Socket): void;
}

/** Bounds the connections of those who have not shown a token, so that they keep nobody out who has one. */
export function limitNewcomers(server: Server, { most, mostOfOnePeer }: NewcomerLimits): Newcomers {
  /** The oldest first. */
  const waiting = new Map<Socket, string>();
  const endOldest = (peer?: string): void => {
    for (const [socket, address] of waiting) {
      if (peer !== undefined && address !== peer) continue;
      waiting.delete(socket);
      socket.destroy();
      return;
    }
  };
  server.prependListener('connection', (socket: Socket) => {
    const peer = socket.remoteAddress ?? '';
    if (!isLocal(peer)) {
      let same = 0;
      for (const address of waiting.values()) if (address === peer) same++;
      if (same >= mostOfOnePeer) endOldest(peer);
    }
    if (waiting.size >= most) endOldest();
    waiting.set(socket, peer);
    socket.once('close', () => waiting.delete(socket));
  });
  return {
    known: (socket) => {
      waiting.delete(socket);
      // What TLS is spoken over.
      const below = (socket as { readonly _parent?: Socket })._parent;
      if (below) waiting.delete(below);
    },
  };
}

function isLocal(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '');
  return plain === '' || plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
}
