import type { Socket } from 'node:net';
import type { Connection } from 'ssh2';
import { otherMachine } from '../../state/nodes/node-machines.ts';
import type { Identity } from './check-key.ts';
import { serveCandidate } from './serve-candidate.ts';
import { serveNode, type NodeConnection } from './serve-node.ts';
import { serveTokenHolder } from './serve-token-holder.ts';
import type { ServerContext } from './server-context.ts';

/** A connection that has logged in. */
export interface LoggedIn {
  readonly connection: Connection;
  readonly transport: Socket;
  readonly identity: Identity;
  readonly peer: string;
  readonly rttMs: number;
  /** With the name of the node. */
  readonly log: ServerContext['log'];
}

export interface IdentityServer {
  serve(loggedIn: LoggedIn): void;
  /** Nodes that are connected, by id. */
  readonly nodes: ReadonlyMap<string, NodeConnection>;
}

/** Holders of tokens that are logged in at a time: an enrolment takes a second, and a token logs in also when it is used. */
const mostTokenHolders = 20;

/** A node gets its forwards, and the holder of an enrolment token an enrolment. A node on another machine than before is a candidate. */
export function createIdentityServer(context: ServerContext): IdentityServer {
  const { allowance, figures, warn } = context;
  const nodes = new Map<string, NodeConnection>();
  const tokenHolders = new Set<Socket>();

  const welcomeTokenHolder = ({ connection, transport, identity, log }: LoggedIn): void => {
    const { id } = identity.node;
    const often = !allowance.connections(`token ${id}`).allowed;
    if (often || tokenHolders.size >= mostTokenHolders) {
      figures.refused('overload');
      warn(log, id, { reason: 'overload' }, 'ended: too many connections with enrolment tokens');
      return void transport.destroy();
    }
    tokenHolders.add(transport);
    transport.on('close', () => tokenHolders.delete(transport));
    serveTokenHolder(context, { connection, transport, identity, log });
  };

  const welcomeNode = (loggedIn: LoggedIn): void => {
    const { connection, transport, identity, peer, log } = loggedIn;
    const { id } = identity.node;
    if (!allowance.connections(id).allowed) {
      figures.refused('rate');
      warn(log, id, { reason: 'rate' }, 'ended: the node connects too often');
      return void transport.destroy();
    }
    const before = nodes.get(id);
    if (before && otherMachine(identity.node) !== null) {
      const makeRoom = (): void => before.cut('replaced by a newer connection');
      return serveCandidate(context, { connection, transport, identity, peer, log, makeRoom });
    }
    before?.cut('replaced by a newer connection');
    const served = serveNode(context, loggedIn);
    nodes.set(id, served);
    transport.on('close', () => {
      if (nodes.get(id) === served) nodes.delete(id);
    });
  };

  return {
    nodes,
    serve: (loggedIn) => (loggedIn.identity.role === 'one-time' ? welcomeTokenHolder(loggedIn) : welcomeNode(loggedIn)),
  };
}
