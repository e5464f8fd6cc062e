import type { Socket } from 'node:net';
import type { Connection } from 'ssh2';
import { SendenseError } from '../../errors/sendense-error.ts';
import { findNodeById } from '../../state/nodes/nodes.ts';
import type { HubLog } from '../hub-log.ts';
import type { Identity } from './check-key.ts';
import { judgeMachine } from './judge-machine.ts';
import { serveSessions } from './serve-sessions.ts';
import type { ServerContext } from './server-context.ts';

/** ms until it has to say who it is. */
const withinMs = 20_000;

/**
 * A connection with the key of a node that is connected, while two machines are known to have that key: it reaches nothing, and takes the
 * place of nobody, until it has said which machine it is. The right one is told to come again, and is let in then.
 */
export function serveCandidate(
  context: ServerContext,
  link: {
    readonly connection: Connection;
    readonly transport: Socket;
    readonly identity: Identity;
    readonly peer: string;
    readonly log: HubLog;
    /** Ends the connection that is there. */
    readonly makeRoom: () => void;
  },
): void {
  const { connection, transport, identity, peer, log, makeRoom } = link;
  const node = (): Identity['node'] => findNodeById(context.state, identity.node.id) ?? identity.node;
  const timer = setTimeout(() => transport.destroy(), withinMs);
  transport.on('close', () => clearTimeout(timer));
  // What it forwards leads nowhere; a refusal would keep it from saying hello.
  connection.on('request', (accept) => accept?.());
  connection.on('tcpip', (_accept, reject) => reject());
  connection.on('openssh.streamlocal', (_accept, reject) => reject());
  serveSessions(context, {
    connection,
    nodeId: identity.node.id,
    node,
    role: 'own',
    log,
    refuse: (_reason, _what, reject) => reject?.(),
    judge: (hello) => {
      setTimeout(() => transport.destroySoon(), 1000).unref();
      judgeMachine(context, { node: node(), peer, log }, hello);
      makeRoom();
      throw new SendenseError('ssh.lost', 'the connection before this one had to end first');
    },
  });
}
