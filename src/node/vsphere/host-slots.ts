import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface HostSlotOptions {
  /** Name of the ESXi host. */
  readonly host: string;
  /** Slots that there are. */
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once where all are taken. */
  readonly onWait?: () => void;
}

/**
 * One of the host's slots, over all jobs of this user on this machine; waits for one. A slot is a socket in Linux' abstract
 * namespace: only one process can have a name, it leaves no file, and it is free the moment its owner ends, however that ends.
 * @throws the signal's reason
 */
export async function takeHostSlot(options: HostSlotOptions): Promise<AsyncDisposable> {
  const { host, limit, signal, onWait } = options;
  const names = Array.from({ length: Math.max(1, limit) }, (_, number) => slotName(host, number));
  for (let waited = false; ; waited = true) {
    for (const name of names) {
      signal?.throwIfAborted();
      const server = await tryToListen(name);
      if (server) return slotOf(server);
    }
    if (!waited) onWait?.();
    await untilOneEnds(names, signal);
  }
}

const slotName = (host: string, number: number): string => {
  const hash = createHash('sha256').update(host.toLowerCase()).digest('hex').slice(0, 32);
  return `\0sendense-${process.getuid?.() ?? 0}-slot-${hash}-${number}`;
};

interface Slot {
  readonly server: Server;
  readonly waiting: Set<Socket>;
}

async function tryToListen(path: string): Promise<Slot | null> {
  const waiting = new Set<Socket>();
  const server = createServer((socket) => {
    waiting.add(socket);
    socket
      .on('error', () => {})
      .on('close', () => waiting.delete(socket))
      .resume()
      .unref();
  });
  server.listen({ path });
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return null;
    throw error;
  }
  // The slot must not keep a process alive that has nothing else to do.
  server.unref();
  return { server, waiting };
}

const slotOf = ({ server, waiting }: Slot): AsyncDisposable => ({
  [Symbol.asyncDispose]: async () => {
    const closed = once(server, 'close');
    server.close();
    // Those who wait see the end of their connection, and by then the name is free.
    for (const socket of waiting) socket.destroy();
    await closed;
  },
});

/** Resolves when an owner of a slot ends or gives it back: the connection to it closes then. */
async function untilOneEnds(names: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const sockets = names.map((path) => connect({ path }).on('close', resolve).on('error', resolve).resume());
  const onAbort = (): void => resolve();
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) resolve();
  await promise;
  signal?.removeEventListener('abort', onAbort);
  for (const socket of sockets) socket.destroy();
}
