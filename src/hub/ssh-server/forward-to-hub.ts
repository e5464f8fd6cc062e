import type { Socket } from 'node:net';
import type { ServerChannel } from 'ssh2';
import { toSendenseError } from '../../errors/sendense-error.ts';
import { connectLoopback } from './connect-loopback.ts';
import { decideForward, type AllowedForward } from './forward-rules.ts';
import { deciding, isFull, type NodeLink } from './node-link.ts';
import type { ServerContext } from './server-context.ts';
import { acceptNarrow } from './wide-window.ts';

/** Channels of one node to the hub's API: it has room for a few hundred, for all nodes and for this host. */
const mostApiChannels = 8;

/** Lets the node connect to what `forward-rules.ts` allows at the hub. */
export function forwardToHub(context: ServerContext, link: NodeLink): void {
  const { connection, refuse } = link;
  const api = { channels: 0 };

  connection.on('tcpip', (accept, reject, { destIP: host, destPort: port }) => {
    const what = `a connection to ${host}:${port}`;
    deciding(link, what, reject, () => {
      const often = !context.allowance.channels(link.nodeId).allowed;
      const decision = often || isFull(link) ? null : decideForward(context, link.node(), { host, port });
      if (!decision?.allowed) return refuse(decision?.reason ?? 'overload', what, reject);
      if (decision.to === 'hub-api' && api.channels >= mostApiChannels) return refuse('overload', what, reject);
      void open(context, link, api, decision, accept, reject);
    });
  });

  connection.on('openssh.streamlocal', (_accept, reject, { socketPath }) =>
    refuse('socket', `a connection to the socket ${socketPath}`, reject),
  );
}

async function open(
  context: ServerContext,
  link: NodeLink,
  api: { channels: number },
  { host, port, to, runId }: AllowedForward,
  accept: () => ServerChannel,
  reject: () => void,
): Promise<void> {
  const { log, nodeId } = link;
  link.opening++;
  const isApi = to === 'hub-api';
  if (isApi) api.channels++;
  let socket: Socket | null = null;
  try {
    socket = await connectLoopback(host, port);
    if (isApi) socket.once('close', () => api.channels--);
    if (link.ended) return void socket.destroy();
    const { channel, granted } = acceptNarrow(link.connection, accept);
    if (!channel) return void socket.destroy();
    context.figures.forward(link.name, to);
    log.debug({ to, port, run_id: runId }, 'connection to the hub');
    link.bridges.join(socket, channel, granted);
  } catch (error) {
    if (isApi && socket === null) api.channels--;
    context.warn(log, nodeId, { to, port }, `nothing answers on port ${port}: ${toSendenseError(error).message}`);
    reject();
  } finally {
    link.opening--;
  }
}
