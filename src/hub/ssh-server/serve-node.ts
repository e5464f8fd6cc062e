import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Connection, ServerChannel } from 'ssh2';
import { toSendenseError } from '../../errors/sendense-error.ts';
import { thisProcess } from '../../host/programs/process-identity.ts';
import { connectionEnd, connectNode, disconnectNode } from '../../state/nodes/node-connections.ts';
import { findNodeById, type NodeRecord } from '../../state/nodes/nodes.ts';
import type { HubLog } from '../hub-log.ts';
import { openBridges } from './bridge.ts';
import type { Identity } from './check-key.ts';
import { connectLoopback } from './connect-loopback.ts';
import { dataConnectionsOf } from './data-connections.ts';
import { decideForward, mayListen, type AllowedForward } from './forward-rules.ts';
import { listenForNode } from './node-listener.ts';
import { nodeSocket } from '../nodes/node-sockets.ts';
import { serveSessions } from './serve-sessions.ts';
import type { Refusal, ServerContext } from './server-context.ts';
import { judgeMachine } from './judge-machine.ts';
import type { LinkHello } from '../../schemas/types.ts';
import { takeTurns } from './take-turns.ts';
import { acceptNarrow, mostWaiting } from './wide-window.ts';

/** The connection of one node, as long as it lasts. */
export interface NodeConnection {
  readonly nodeId: string;
  /** Its random id in the database. */
  readonly connection: string;
  /** Looks whether it may go on; ends it where not. To be called every half second. @throws SendenseError of the database */
  check(): void;
  /** A connection that came with its ticket, to be handed to sshd: one of its data connections. */
  takeData(socket: Socket, peer: string, slot: number): void;
  cut(reason: string): void;
}

/** Channels of one connection at a time: 101 disks with several NBD connections each. */
const mostChannels = 1024;
/** Of these, to the hub's API: it has room for a few hundred, for all nodes and for this host. */
const mostApiChannels = 8;
/** Bytes for the node that it does not take: what waits of data, and answers that it asks for and never reads. */
const mostUnsent = 128 * 1024 * 1024;
/** ms after which the end of a connection is entered again, where the database could not be written. */
const enterAgainMs = 5000;

/** What a node with its own key may do: the forwards of `forward-rules.ts` and the session `sendense-link`. */
export function serveNode(
  context: ServerContext,
  link: {
    readonly connection: Connection;
    readonly transport: Socket;
    readonly identity: Identity;
    readonly peer: string;
    /** Round trip of the line, ms. */
    readonly rttMs: number;
    readonly log: HubLog;
  },
): NodeConnection {
  const { state, figures } = context;
  const { connection, transport, identity, rttMs, log } = link;
  const { id: nodeId } = identity.node;
  const id = randomUUID();
  let listener: Disposable | null = null;
  let listening = false;
  let ended = false;
  /** Channels that are being opened, in either direction. */
  let opening = 0;
  let apiChannels = 0;
  let moved = 0;
  // Renamed meanwhile or not: what it is now.
  const node = (): NodeRecord => findNodeById(state, nodeId) ?? identity.node;
  const bridges = openBridges(connection, transport, rttMs, (direction, bytes) => {
    moved += bytes;
    figures.bytes(identity.node.name, direction, bytes, 'server');
  });
  const data = dataConnectionsOf(context, context.data, {
    connection: id,
    publicKey: identity.publicKey,
    node,
    log,
  });
  const refuse = (reason: Refusal, what: string, reject: (() => void) | undefined): void => {
    figures.refused(reason);
    context.warn(log, nodeId, { reason, what }, `refused: ${what}`);
    reject?.();
    if (!context.allowance.refusals(nodeId).allowed) cut('it goes on asking for what it may not');
  };
  /** An error of the database refuses what it is about, and ends nothing else. */
  const deciding = (what: string, reject: (() => void) | undefined, decide: () => void): void => {
    try {
      decide();
    } catch (error) {
      refuse('state', `${what}: ${toSendenseError(error).message}`, reject);
    }
  };
  const leave = (): void => {
    try {
      disconnectNode(state, nodeId, id);
    } catch (error) {
      log.warn(`that it is disconnected cannot be entered: ${toSendenseError(error).message}`);
      setTimeout(leave, enterAgainMs).unref();
    }
  };
  const end = (): void => {
    if (ended) return;
    ended = true;
    listener?.[Symbol.dispose]();
    bridges.cut();
    data.end();
    leave();
    log.info('disconnected');
  };
  const cut = (reason: string): void => {
    if (ended) return;
    log.warn({ reason }, `connection cut: ${reason}`);
    end();
    connection.end();
    transport.destroySoon();
  };

  connection.on('close', end);
  transport.on('close', end);
  takeTurns(transport, { moved: () => moved, onFlood: () => cut('it keeps the hub busy and moves nothing') });

  connection.on('tcpip', (accept, reject, { destIP: host, destPort: port }) => {
    const what = `a connection to ${host}:${port}`;
    deciding(what, reject, () => {
      const often = !context.allowance.channels(nodeId).allowed;
      const decision =
        often || bridges.count + opening >= mostChannels ? null : decideForward(context, node(), { host, port });
      if (!decision?.allowed) return refuse(decision?.reason ?? 'overload', what, reject);
      if (decision.to === 'hub-api' && apiChannels >= mostApiChannels) return refuse('overload', what, reject);
      void toHub(decision, accept, reject);
    });
  });

  connection.on('request', (accept, reject, name, info) => {
    if (!('bindAddr' in info)) return refuse('socket', name, reject);
    const what = `${name} ${info.bindAddr}:${info.bindPort}`;
    deciding(what, reject, () => {
      if (!mayListen(node(), { host: info.bindAddr, port: info.bindPort })) return refuse('listen', what, reject);
      if (name === 'cancel-tcpip-forward') {
        listener?.[Symbol.dispose]();
        listener = null;
        return accept?.();
      }
      if (listening || listener !== null) return refuse('listen', `${what}, a second time`, reject);
      void listen(info.bindAddr, info.bindPort, accept, () => refuse('listen', what, reject));
    });
  });

  connection.on('openssh.streamlocal', (_accept, reject, { socketPath }) =>
    refuse('socket', `a connection to the socket ${socketPath}`, reject),
  );

  const toHub = async (
    { host, port, to, runId }: AllowedForward,
    accept: () => ServerChannel,
    reject: () => void,
  ): Promise<void> => {
    opening++;
    const isApi = to === 'hub-api';
    if (isApi) apiChannels++;
    let socket: Socket | null = null;
    try {
      socket = await connectLoopback(host, port);
      if (isApi) socket.once('close', () => apiChannels--);
      if (ended) return void socket.destroy();
      const { channel, granted } = acceptNarrow(connection, accept);
      if (!channel) return void socket.destroy();
      figures.forward(identity.node.name, to);
      log.debug({ to, port, run_id: runId }, 'connection to the hub');
      bridges.join(socket, channel, granted);
    } catch (error) {
      if (isApi && socket === null) apiChannels--;
      context.warn(log, nodeId, { to, port }, `nothing answers on port ${port}: ${toSendenseError(error).message}`);
      reject();
    } finally {
      opening--;
    }
  };

  const listen = async (
    host: string,
    port: number,
    accept: (() => void) | undefined,
    reject: () => void,
  ): Promise<void> => {
    listening = true;
    try {
      const path = nodeSocket(state.path, node().reversePort);
      const made = await listenForNode(path, (socket) => toNode(socket, host, port));
      if (ended) return made[Symbol.dispose]();
      listener = made;
      log.info({ path }, `the node's API answers at ${path}`);
      accept?.();
    } catch (error) {
      log.error({ port }, toSendenseError(error).message);
      reject();
    } finally {
      listening = false;
    }
  };

  const toNode = (socket: Socket, host: string, port: number): void => {
    socket.on('error', () => {});
    if (ended || bridges.count + opening >= mostChannels) return void socket.destroy();
    opening++;
    connection.forwardOut(host, port, '127.0.0.1', 0, (error, channel) => {
      opening--;
      if (error) {
        context.warn(log, nodeId, {}, `the node does not take a connection to its API: ${error.message}`);
        return void socket.destroy();
      }
      figures.forward(identity.node.name, 'node-api');
      bridges.join(socket, channel);
      socket.resume();
    });
  };

  const judge = (hello: LinkHello): void => {
    try {
      judgeMachine(context, { node: node(), peer: link.peer, log }, hello);
    } catch (error) {
      // Its session is told why first.
      setTimeout(() => cut('another machine has its key'), 1000).unref();
      throw error;
    }
  };
  serveSessions(context, { connection, nodeId, node, role: 'own', log, data: data.request, refuse, judge });

  const wayAtFirst = context.data.user === null ? 'builtin' : null;
  if (connectNode(state, nodeId, { connection: id, owner: thisProcess(), peer: link.peer, data: wayAtFirst })) {
    figures.connected(identity.node.name);
    log.info('connected');
  } else cut('revoked');

  return {
    nodeId,
    connection: id,
    cut,
    takeData: data.take,
    check: () => {
      if (ended) return;
      const reason = connectionEnd(state, nodeId, identity.publicKey, id);
      if (reason) cut(reason);
      // ssh2 takes more than it has announced: who sends that must not fill our memory.
      else if (bridges.waiting() > mostWaiting(bridges.count)) cut('it sends more than was allowed');
      else if (transport.writableLength > mostUnsent) cut('it does not take what it asks for');
    },
  };
}
