import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Connection } from 'ssh2';
import { toSendenseError } from '../../errors/sendense-error.ts';
import { thisProcess } from '../../host/programs/process-identity.ts';
import { connectionEnd, connectNode, disconnectNode } from '../../state/nodes/node-connections.ts';
import type { State } from '../../state/database/open-state.ts';
import { findNodeById } from '../../state/nodes/nodes.ts';
import type { HubLog } from '../hub-log.ts';
import { openBridges } from './bridge.ts';
import type { Identity } from './check-key.ts';
import { dataConnectionsOf } from './data-connections.ts';
import { forwardToHub } from './forward-to-hub.ts';
import { forwardToNode } from './forward-to-node.ts';
import type { NodeLink } from './node-link.ts';
import { serveSessions } from './serve-sessions.ts';
import type { ServerContext } from './server-context.ts';
import { judgeMachine } from './judge-machine.ts';
import type { LinkHello } from '../../schemas/types.ts';
import { takeTurns } from './take-turns.ts';
import { mostWaiting } from './wide-window.ts';

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

/** Bytes for the node that it does not take: what waits of data, and answers that it asks for and never reads. */
const mostUnsent = 128 * 1024 * 1024;
/** ms after which the end of a connection is entered again, where the database could not be written. */
const enterAgainMs = 5000;

/** A connection of a node, from its login on. */
interface LoggedIn {
  readonly connection: Connection;
  readonly transport: Socket;
  readonly identity: Identity;
  readonly peer: string;
  /** Round trip of the line, ms. */
  readonly rttMs: number;
  readonly log: HubLog;
}

/** What a node with its own key may do: the forwards of `forward-rules.ts` and the session `sendense-link`. */
export function serveNode(context: ServerContext, from: LoggedIn): NodeConnection {
  const { state } = context;
  const { connection, transport, identity, log } = from;
  const { id: nodeId } = identity.node;
  const id = randomUUID();
  const ending: Ending = { end: () => {}, cut: (reason) => cut(link, from, ending, reason) };
  const link = linkOf(context, from, ending);
  const data = dataConnectionsOf(context, context.data, {
    connection: id,
    publicKey: identity.publicKey,
    node: link.node,
    log,
  });
  forwardToHub(context, link);
  const toNode = forwardToNode(context, link);
  ending.end = () => {
    if (link.ended) return;
    link.ended = true;
    toNode[Symbol.dispose]();
    link.bridges.cut();
    data.end();
    leave(state, nodeId, id, log);
    log.info('disconnected');
  };
  connection.on('close', () => ending.end());
  transport.on('close', () => ending.end());

  serveSessions(context, {
    connection,
    nodeId,
    node: link.node,
    role: 'own',
    log,
    data: data.request,
    refuse: link.refuse,
    judge: (hello) => judge(context, link, from.peer, ending, hello),
  });
  enter(context, from, id, ending);
  return {
    nodeId,
    connection: id,
    cut: ending.cut,
    takeData: data.take,
    check: () => {
      const reason = link.ended ? null : whyEnd(context, link, from, id);
      if (reason !== null) ending.cut(reason);
    },
  };
}

/** The ways in which a connection ends. Both may be asked for more than once. */
interface Ending {
  end(): void;
  /** Ends it for a reason, which goes to the log. */
  cut(reason: string): void;
}

function linkOf(
  context: ServerContext,
  { connection, transport, identity, rttMs, log }: LoggedIn,
  ending: Ending,
): NodeLink {
  const { state, figures } = context;
  const { id: nodeId, name } = identity.node;
  let moved = 0;
  const bridges = openBridges(connection, transport, rttMs, (direction, bytes) => {
    moved += bytes;
    figures.bytes(name, direction, bytes, 'server');
  });
  takeTurns(transport, { moved: () => moved, onFlood: () => ending.cut('it keeps the hub busy and moves nothing') });
  return {
    connection,
    nodeId,
    name,
    node: () => findNodeById(state, nodeId) ?? identity.node,
    log,
    bridges,
    opening: 0,
    ended: false,
    refuse: (reason, what, reject) => {
      figures.refused(reason);
      context.warn(log, nodeId, { reason, what }, `refused: ${what}`);
      reject?.();
      if (!context.allowance.refusals(nodeId).allowed) ending.cut('it goes on asking for what it may not');
    },
  };
}

function cut(link: NodeLink, { connection, transport, log }: LoggedIn, ending: Ending, reason: string): void {
  if (link.ended) return;
  log.warn({ reason }, `connection cut: ${reason}`);
  ending.end();
  connection.end();
  transport.destroySoon();
}

/** Enters the connection in the database, unless the node was revoked meanwhile. */
function enter({ state, data, figures }: ServerContext, from: LoggedIn, id: string, ending: Ending): void {
  const { identity, peer, log } = from;
  const wayAtFirst = data.user === null ? 'builtin' : null;
  const owner = thisProcess();
  if (!connectNode(state, identity.node.id, { connection: id, owner, peer, data: wayAtFirst }))
    return ending.cut('revoked');
  figures.connected(identity.node.name);
  log.info('connected');
}

function leave(state: State, nodeId: string, id: string, log: HubLog): void {
  try {
    disconnectNode(state, nodeId, id);
  } catch (error) {
    log.warn(`that it is disconnected cannot be entered: ${toSendenseError(error).message}`);
    setTimeout(() => leave(state, nodeId, id, log), enterAgainMs).unref();
  }
}

/** @throws SendenseError for another machine with the key of the node */
function judge(context: ServerContext, { node, log }: NodeLink, peer: string, ending: Ending, hello: LinkHello): void {
  try {
    judgeMachine(context, { node: node(), peer, log }, hello);
  } catch (error) {
    // Its session is told why first.
    setTimeout(() => ending.cut('another machine has its key'), 1000).unref();
    throw error;
  }
}

/** Why a connection may not go on; null: it may. */
function whyEnd({ state }: ServerContext, { bridges, nodeId }: NodeLink, from: LoggedIn, id: string): string | null {
  const reason = connectionEnd(state, nodeId, from.identity.publicKey, id);
  if (reason) return reason;
  // ssh2 takes more than it has announced: a node that sends that must not fill our memory.
  if (bridges.waiting() > mostWaiting(bridges.count)) return 'it sends more than was allowed';
  return from.transport.writableLength > mostUnsent ? 'it does not take what it asks for' : null;
}
