import { Socket } from 'node:net';
import { agreesToEncrypt, greeting, openingTo, optionReplyBytes } from './greet.ts';

/** Bytes that may wait for the other side: fewer turns of the event loop for each MiB. */
export const bufferedBytes = 1024 * 1024;

/**
 * Connects a client that has shown the key with the server at a Unix socket: tells that one what the client said before, and hands on
 * every byte from then on. What ends one side ends the other.
 * @param rest what the client said from its ClientHello on
 */
export function passOn(
  client: Socket,
  path: string,
  { flags, rest }: { readonly flags: Buffer; readonly rest: Buffer },
): void {
  const buffers = { readableHighWaterMark: bufferedBytes, writableHighWaterMark: bufferedBytes };
  const server = new Socket({ allowHalfOpen: true, ...buffers } as object);
  const end = (): void => {
    client.destroy();
    server.destroy();
  };
  client.once('close', end);
  server.once('close', end).once('error', end);
  const expected = greeting.length + optionReplyBytes;
  let said: Buffer = Buffer.alloc(0);
  const hear = (chunk: Buffer): void => {
    said = Buffer.concat([said, chunk]);
    if (said.length < expected) return;
    server.off('data', hear).off('end', end).pause();
    // A server that goes on before it has heard the client is not one of ours.
    if (said.length > expected || !agreesToEncrypt(said)) return end();
    server.write(rest);
    client.pipe(server);
    server.pipe(client);
  };
  server.on('data', hear).once('end', end);
  server.connect(path, () => server.write(openingTo(flags)));
}
