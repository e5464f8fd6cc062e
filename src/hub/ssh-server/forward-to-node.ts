import type { Socket } from 'node:net';
import { toSendenseError } from '../../errors/sendense-error.ts';
import { nodeSocket } from '../nodes/node-sockets.ts';
import { mayListen } from './forward-rules.ts';
import { listenForNode } from './node-listener.ts';
import { deciding, isFull, type NodeLink } from './node-link.ts';
import type { ServerContext } from './server-context.ts';

/** Where the node's API answers at the hub; null: the node has not asked for it. */
interface Listening {
  listener: Disposable | null;
  /** It is being opened. */
  opening: boolean;
}

/** Lets the node make its API answer at the hub, at its own Unix socket, until this is disposed of. */
export function forwardToNode(context: ServerContext, link: NodeLink): Disposable {
  const { connection, refuse } = link;
  const listening: Listening = { listener: null, opening: false };
  const close = (): void => listening.listener?.[Symbol.dispose]();

  connection.on('request', (accept, reject, name, info) => {
    if (!('bindAddr' in info)) return refuse('socket', name, reject);
    const what = `${name} ${info.bindAddr}:${info.bindPort}`;
    const address = { host: info.bindAddr, port: info.bindPort };
    deciding(link, what, reject, () => {
      if (!mayListen(link.node(), address)) return refuse('listen', what, reject);
      if (name === 'cancel-tcpip-forward') {
        close();
        listening.listener = null;
        return accept?.();
      }
      if (listening.opening || listening.listener !== null) return refuse('listen', `${what}, a second time`, reject);
      void listen(context, link, listening, address, accept, () => refuse('listen', what, reject));
    });
  });

  return { [Symbol.dispose]: close };
}

async function listen(
  context: ServerContext,
  link: NodeLink,
  listening: Listening,
  address: { readonly host: string; readonly port: number },
  accept: (() => void) | undefined,
  reject: () => void,
): Promise<void> {
  listening.opening = true;
  try {
    const path = nodeSocket(context.state.path, link.node().reversePort);
    const made = await listenForNode(path, (socket) => toNode(context, link, socket, address));
    if (link.ended) return made[Symbol.dispose]();
    listening.listener = made;
    link.log.info({ path }, `the node's API answers at ${path}`);
    accept?.();
  } catch (error) {
    link.log.error({ port: address.port }, toSendenseError(error).message);
    reject();
  } finally {
    listening.opening = false;
  }
}

function toNode(
  context: ServerContext,
  link: NodeLink,
  socket: Socket,
  { host, port }: { readonly host: string; readonly port: number },
): void {
  socket.on('error', () => {});
  if (link.ended || isFull(link)) return void socket.destroy();
  link.opening++;
  link.connection.forwardOut(host, port, '127.0.0.1', 0, (error, channel) => {
    link.opening--;
    if (error) {
      const what = `the node does not take a connection to its API: ${error.message}`;
      context.warn(link.log, link.nodeId, {}, what);
      return void socket.destroy();
    }
    context.figures.forward(link.name, 'node-api');
    link.bridges.join(socket, channel);
    socket.resume();
  });
}
