import type { Socket } from 'node:net';
import type { Connection, ServerChannel } from 'ssh2';
import { widenWindow, windowOf } from './wide-window.ts';

export type Direction = 'from_node' | 'to_node';

/** The connections that one SSH connection carries. */
export interface Bridges {
  /**
   * Joins both: what one hears the other says, each direction ends by itself. Both belong to the bridge from now on.
   * @param granted bytes that the node was allowed to send; default: what ssh2 says
   */
  join(socket: Socket, channel: ServerChannel, granted?: number): void;
  readonly count: number;
  /** Bytes that were received from the node and are kept here because nobody takes them. */
  waiting(): number;
  /** Ends all of them at once. */
  cut(): void;
}

/** Bytes for the node that may wait in its SSH connection before the ends are not read any more. */
const mostForNode = 8 * 1024 * 1024;
const mostForNodePerChannel = 512 * 1024;

/**
 * @param transport the TCP connection below `connection`
 * @param rttMs its round trip
 */
export function openBridges(
  connection: Connection,
  transport: Socket,
  rttMs: number,
  onBytes: (direction: Direction, bytes: number) => void,
): Bridges {
  const open = new Map<Socket, ServerChannel>();
  const full = new Set<() => void>();
  transport.on('drain', () => {
    const waiting = [...full];
    full.clear();
    for (const goOn of waiting) goOn();
  });

  const join = (socket: Socket, channel: ServerChannel, granted?: number): void => {
    open.set(socket, channel);
    socket.setNoDelay(true);
    fromNode(socket, channel, granted);
    toNode(socket, channel);
    channel.on('error', () => socket.destroy());
    socket.on('error', () => {});
    channel.on('close', () => socket.destroySoon());
    const done = (): void => {
      open.delete(socket);
      // Ends what is left of it; ssh2 has no harm in that for a channel that is closed.
      channel.destroy();
    };
    socket.on('close', (failed) => {
      if (failed || !channel.writableEnded || channel.writableFinished) return done();
      // What waits for the node to take it goes first: destroyed now it would be lost.
      channel.once('finish', done).once('close', done);
    });
  };

  const fromNode = (socket: Socket, channel: ServerChannel, granted?: number): void => {
    const topUp = widenWindow(channel, connection, granted);
    const taken = (): void => topUp(windowOf(open.size, rttMs), channel.readableLength + socket.writableLength);
    taken();
    channel.on('data', (chunk: Buffer) => {
      onBytes('from_node', chunk.length);
      if (!socket.write(chunk)) channel.pause();
      taken();
    });
    socket.on('drain', () => {
      channel.resume();
      taken();
    });
    channel.on('end', () => {
      socket.end();
      if (socket.readableEnded) channel.end();
    });
  };

  const toNode = (socket: Socket, channel: ServerChannel): void => {
    const goOn = (): void => {
      if (channel.writableLength >= mostForNodePerChannel) return;
      if (transport.writableLength >= mostForNode) full.add(goOn);
      else socket.resume();
    };
    socket.on('data', (chunk: Buffer) => {
      onBytes('to_node', chunk.length);
      channel.write(chunk, () => {
        if (socket.isPaused()) goOn();
      });
      if (channel.writableLength < mostForNodePerChannel && transport.writableLength < mostForNode) return;
      socket.pause();
      goOn();
    });
    socket.on('close', () => full.delete(goOn));
    socket.on('end', () => {
      // A server's channel that ends is closed by ssh2, and what the node still sends would be lost: only say that no more comes.
      if (channel.readableEnded) channel.end();
      else channel.write(Buffer.alloc(0), () => channel.eof());
    });
  };

  return {
    join,
    get count() {
      return open.size;
    },
    waiting: () => [...open.values()].reduce((sum, channel) => sum + channel.readableLength, 0),
    cut: () => {
      for (const socket of open.keys()) socket.destroy();
    },
  };
}
