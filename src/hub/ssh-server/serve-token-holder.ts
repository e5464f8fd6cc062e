import type { Socket } from 'node:net';
import type { Connection } from 'ssh2';
import { findNodeById } from '../../state/nodes/nodes.ts';
import type { HubLog } from '../hub-log.ts';
import type { Identity } from './check-key.ts';
import { serveSessions } from './serve-sessions.ts';
import type { Refusal, ServerContext } from './server-context.ts';

/** ms for an enrolment. */
const timeoutMs = 30_000;

/** Whoever holds an enrolment token may say `sendense-enroll`, and nothing else. */
export function serveTokenHolder(
  context: ServerContext,
  link: {
    readonly connection: Connection;
    readonly transport: Socket;
    readonly identity: Identity;
    readonly log: HubLog;
  },
): void {
  const { connection, transport, identity, log } = link;
  const refuse = (reason: Refusal, what: string, reject: (() => void) | undefined): void => {
    context.figures.refused(reason);
    context.warn(log, identity.node.id, { reason, what }, `refused: ${what}`);
    reject?.();
  };
  const timer = setTimeout(() => transport.destroy(), timeoutMs);
  transport.on('close', () => clearTimeout(timer));
  connection.on('tcpip', (_accept, reject, { destIP, destPort }) =>
    refuse('target', `a connection to ${destIP}:${destPort} with an enrolment token`, reject),
  );
  connection.on('request', (_accept, reject, name) => refuse('listen', `${name} with an enrolment token`, reject));
  connection.on('openssh.streamlocal', (_accept, reject, { socketPath }) =>
    refuse('socket', `a connection to the socket ${socketPath}`, reject),
  );
  const node = (): Identity['node'] => {
    const now = findNodeById(context.state, identity.node.id) ?? identity.node;
    // A newer token is not the one that was shown.
    return now.oneTimeKey === identity.publicKey ? now : { ...now, oneTimeKey: null };
  };
  serveSessions(context, { connection, nodeId: identity.node.id, node, role: 'one-time', log, refuse });
}
