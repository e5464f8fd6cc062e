import type { Socket } from 'node:net';

/** Counts the connections by which each caller has come, so that one caller does not take those of all. */
export interface ConnectionShares {
  /** @returns false where the caller has its share by other connections */
  take(caller: string, socket: Socket): boolean;
}

/** @param most connections of one caller */
export function shareConnections(most: number): ConnectionShares {
  const open = new Map<string, Set<Socket>>();
  return {
    take(caller, socket) {
      const own = open.get(caller) ?? new Set();
      if (own.has(socket)) return true;
      if (own.size >= most) return false;
      open.set(caller, own.add(socket));
      socket.once('close', () => {
        own.delete(socket);
        if (own.size === 0) open.delete(caller);
      });
      return true;
    },
  };
}
