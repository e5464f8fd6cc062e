import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/**
 * A name that one process of this user on this machine can hold at a time: a socket in Linux' abstract namespace. It leaves no
 * file, and is free the moment its owner ends, however that ends. `null`: another holds it.
 */
export async function tryToHold(name: string): Promise<AsyncDisposable | null> {
  const waiting = new Set<Socket>();
  const server = createServer((socket) => {
    waiting.add(socket);
    socket
      .on('error', () => {})
      .on('close', () => waiting.delete(socket))
      .resume()
      .unref();
  });
  server.listen({ path: pathOf(name) });
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null;
    throw error;
  }
  // It must not keep a process alive that has nothing else to do.
  server.unref();
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      // Those who wait see the end of their connection, and by then the name is free.
      for (const socket of waiting) socket.destroy();
      await closed;
    },
  };
}

/** Whether some process holds the name. */
export async function isHeld(name: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ path: pathOf(name) })
    .on('connect', () => resolve(true))
    .on('error', () => resolve(false));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

/** Resolves when an owner of one of the names ends or gives it back (the connection to it closes then), or on abort. */
export async function untilOneIsFree(names: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const sockets = names.map((name) =>
    connect({ path: pathOf(name) })
      .on('close', resolve)
      .on('error', resolve)
      .resume(),
  );
  const onAbort = (): void => resolve();
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) resolve();
  await promise;
  signal?.removeEventListener('abort', onAbort);
  for (const socket of sockets) socket.destroy();
}

const pathOf = (name: string): string => `\0sendense-${process.getuid?.() ?? 0}-${name}`;
