import type { Socket } from 'node:net';
import { isIPv4 } from 'node:net';

export interface WaitingRoomLimits {
  /** Connections that have not shown the key yet, of all gates together. */
  readonly most: number;
  /** For how long each may do so. */
  readonly ms: number;
}

export interface WaitingRoom {
  /** @param port of the gate that it came to */
  enter(socket: Socket, port: number): void;
  /** It has shown the key: it stays, whoever comes. */
  leave(socket: Socket): void;
}

/**
 * Bounds the connections of those who have not shown the key. Where too many wait, one of those goes who came to the same port from the
 * same peer as most of them, by chance: of whoever comes by the thousand hardly one stays, and who needs a moment to show the key
 * is hardly ever the one.
 */
export function createWaitingRoom({ most, ms }: WaitingRoomLimits, random = Math.random): WaitingRoom {
  const groups = new Map<string, Socket[]>();
  const places = new Map<Socket, { readonly group: string; readonly timer: NodeJS.Timeout }>();
  const leave = (socket: Socket): void => {
    const place = places.get(socket);
    if (!place) return;
    places.delete(socket);
    clearTimeout(place.timer);
    const group = groups.get(place.group) ?? [];
    const last = group.pop();
    if (last !== undefined && last !== socket) group[group.indexOf(socket)] = last;
    if (group.length === 0) groups.delete(place.group);
  };
  const endOne = (): void => {
    const largest = [...groups.values()].reduce((a, b) => (b.length > a.length ? b : a), []);
    const chosen = largest[Math.floor(random() * largest.length)];
    if (chosen === undefined) return;
    leave(chosen);
    chosen.destroy();
  };
  return {
    enter(socket, port) {
      if (places.size >= most) endOne();
      const group = `${port} ${peerOf(socket)}`;
      const timer = setTimeout(() => socket.destroy(), ms);
      places.set(socket, { group, timer });
      const others = groups.get(group);
      if (others) others.push(socket);
      else groups.set(group, [socket]);
      socket.once('close', () => leave(socket));
    },
    leave,
  };
}

/** All that comes from this machine looks alike: it can have any address of it. */
function peerOf({ remoteAddress = '', localAddress = '' }: Socket): string {
  const plain = remoteAddress.replace(/^::ffff:/, '');
  const isLocal =
    remoteAddress === localAddress || plain === '' || plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
  return isLocal ? 'local' : plain;
}
