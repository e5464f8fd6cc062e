import type { Socket } from 'node:net';
import type { ClientChannel, ServerChannel } from 'ssh2';

type Channel = ClientChannel | ServerChannel;

/** Bytes of one connection that may wait for their turn on the line; more are left in the kernel, which slows the sender. */
const maxWaiting = 128 * 1024;
/** Bytes of all connections together that may wait in the transport. */
const maxTransport = 8 * 1024 * 1024;

/**
 * Joins connections with channels of one SSH connection: what one end says the other hears, each direction ends by itself,
 * and memory stays bounded where the line is slow (ssh2 itself takes up to 4 MiB for each of a hundred channels).
 */
export function bridgeOver(transport: Socket): (socket: Socket, channel: Channel) => void {
  const waiting = new Set<() => void>();
  transport.on('drain', () => {
    const resumed = [...waiting];
    waiting.clear();
    for (const resume of resumed) resume();
  });

  return (socket, channel) => {
    let queued = 0;
    const goOn = (): void => {
      if (queued >= maxWaiting) return;
      if (transport.writableLength >= maxTransport) waiting.add(goOn);
      else socket.resume();
    };
    socket.on('data', (bytes: Buffer) => {
      queued += bytes.length;
      channel.write(bytes, () => {
        queued -= bytes.length;
        if (socket.isPaused()) goOn();
      });
      if (queued >= maxWaiting || transport.writableLength >= maxTransport) {
        socket.pause();
        goOn();
      }
    });
    socket.on('end', () => channel.end());
    channel.pipe(socket);
    // A channel stays open after both directions have ended until somebody closes it.
    socket.on('close', (failed) => {
      waiting.delete(goOn);
      if (failed || channel.writableFinished) channel.close();
      else channel.once('finish', () => channel.close());
    });
    channel.on('close', () => socket.destroySoon());
    channel.on('error', () => socket.destroy());
    socket.on('error', () => {});
  };
}
