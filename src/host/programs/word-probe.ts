import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Whoever connects is told a word, until it is disposed of. @throws the error of `listen` */
export async function sayWord(at: { host: string; port: number }, word: string): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.end(word);
  });
  server.listen({ ...at, exclusive: true });
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const withinMs = 5000;

/** Why that word is not heard at an address; null where it is. Tells nothing of what else may be said there. Never rejects. */
export async function hearWord(
  { host, port, word }: { readonly host: string; readonly port: number; readonly word: string },
  signal: AbortSignal,
): Promise<string | null> {
  const limit = AbortSignal.timeout(withinMs);
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const socket = connect({ host, port });
  let heard = '';
  let connected = false;
  socket.setEncoding('latin1');
  socket.on('connect', () => (connected = true));
  socket.on('data', (text: string) => {
    heard += text;
    if (heard.length >= word.length) resolve(heard.startsWith(word) ? null : 'something else answers there');
  });
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.message || (error.code ?? 'no connection')));
  socket.on('close', () => resolve(heard === '' ? 'it closes the connection' : 'something else answers there'));
  const end = (): void =>
    resolve(connected ? 'it answers nothing' : `no connection within ${withinMs / 1000} s; a firewall may drop it`);
  for (const stop of [limit, signal]) stop.addEventListener('abort', end);
  try {
    return await promise;
  } finally {
    for (const stop of [limit, signal]) stop.removeEventListener('abort', end);
    socket.destroy();
  }
}
