import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { portHolder } from '../../host/port-holder.ts';

/** ms during which a port that is taken is tried again: the connection that this one replaces may be on its way out. */
const patienceMs = 2000;

/**
 * Listens on a loopback port for connections to a node; each direction of one ends by itself.
 * @throws SendenseError `hub.address` where the port stays taken, with the process that holds it
 */
export async function listenForNode(port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, onConnection);
    try {
      server.listen({ host: '127.0.0.1', port, exclusive: true });
      await once(server, 'listening');
      server.on('error', () => {});
      return server;
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE' && performance.now() < end) {
        await delay(100);
        continue;
      }
      const holder = portHolder(port);
      throw new SendenseError('hub.address', `reverse port ${port}: ${holder ? `${holder} holds it` : code}`, {
        cause,
        remedy: 'Stop what uses the port, or move `hub: nodePorts` in sendense.yaml and enrol the node anew.',
      });
    }
  }
}
