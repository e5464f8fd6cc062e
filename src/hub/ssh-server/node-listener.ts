import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { lstatSync, renameSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { SendenseError } from '../../errors/sendense-error.ts';
import { socketPath } from '../../host/files/socket-path.ts';

/**
 * Listens for connections to a node on a Unix socket, in the place of a listener that is there; each direction of one ends by itself.
 * @param path in a folder of this user alone
 * @throws SendenseError `hub.address`
 */
export async function listenForNode(path: string, onConnection: (socket: Socket) => void): Promise<Disposable> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, onConnection);
  // Bound under another name: a server that closes removes what it was bound to, which may be its successor's by then.
  const bound = `${path}.${randomBytes(3).toString('hex')}`;
  try {
    server.listen({ path: socketPath(bound) });
    await once(server, 'listening');
    server.on('error', () => {});
    const { ino } = lstatSync(bound);
    renameSync(bound, path);
    return {
      [Symbol.dispose]: () => {
        server.close();
        if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
      },
    };
  } catch (cause) {
    server.close();
    rmSync(bound, { force: true });
    throw new SendenseError('hub.address', `${path}: ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
      remedy: 'Make the user of the hub the owner of the folder, and check the free space of its disk.',
    });
  }
}
