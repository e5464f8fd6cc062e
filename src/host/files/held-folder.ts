import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { socketPath } from './socket-path.ts';

const name = 'held.sock';

/**
 * Marks a folder as that of a live process, as a lock would that ends with the process: a socket in it accepts connections. Who sees the folder
 * and not the process (of another pid namespace) can tell by it. It does not keep this process from ending.
 * @param folder of this user alone
 */
export async function holdFolder(folder: string): Promise<AsyncDisposable> {
  const path = join(folder, name);
  await rm(path, { force: true });
  const server = createServer((socket) => socket.on('error', () => undefined).destroy());
  server.listen(socketPath(path)).unref();
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

/** Whether the process that holds a folder lives. */
export async function isHeld(folder: string): Promise<boolean> {
  let socket: Socket | undefined;
  try {
    socket = connect(socketPath(join(folder, name)));
    await once(socket, 'connect');
    return true;
  } catch (error) {
    // A full queue belongs to somebody.
    return !['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
  } finally {
    socket?.destroy();
  }
}
