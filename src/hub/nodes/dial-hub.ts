import { SendenseError } from '../../errors/sendense-error.ts';
import { nodeClient, type NodeClient } from '../../host/node-api/node-client.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import { byName } from '../../plan/names.ts';
import type { Settings } from '../../schemas/types.ts';
import { connectionOf } from '../../state/nodes/node-connections.ts';
import { openNodeToken } from '../../state/nodes/node-tokens.ts';
import { nodeSocket } from './node-sockets.ts';
import { findNode, listNodes, type NodeRecord } from '../../state/nodes/nodes.ts';
import type { State } from '../../state/database/open-state.ts';

/** The node that is there without being named anywhere. */
export const builtInNode = 'local';

/** The settings with every enrolled node that they do not name, in mode `dial-hub`: those that there are when it is asked. */
export const withEnrolledNodes = (settings: Settings, state: State): Settings => ({
  ...settings,
  get nodes() {
    const enrolled = listNodes(state).filter(({ name }) => name !== builtInNode);
    const nodes = Object.fromEntries(enrolled.map(({ name }) => [name, { mode: 'dial-hub' as const }]));
    return byName<Settings['nodes'][string]>(nodes, settings.nodes);
  },
});

/** Another text once a name stands for another node, or the node has another token. */
export function enrolmentOf(state: State, name: string): string {
  const { id, reversePort, enrolled, revoked } = findNode(state, name) ?? {};
  return JSON.stringify([name, id, reversePort, enrolled, revoked]);
}

/**
 * The API of a node that is connected to this hub now.
 * @param ssh who answers the nodes: OpenSSH listens on a port, where anybody else of this host can listen, too
 * @throws SendenseError `node.unreachable` saying since when it is gone; `node.unknown`, `node.revoked`, `credential.sealed`, `credential.key`
 */
export function connectedNode(state: State, name: string, ssh: Settings['hub']['ssh']): NodeClient {
  const node = findNode(state, name);
  if (!node)
    throw new SendenseError('node.unknown', `node ${name} has mode dial-hub, and was never added on this hub`, {
      remedy: `Enrol it: \`sendense-run node add ${name}\`.`,
    });
  if (node.revoked !== null)
    throw new SendenseError('node.revoked', `node ${name} was revoked at ${new Date(node.revoked).toISOString()}`);
  if (!connectionOf(node, isRunning)) throw notConnected(node);
  const token = openNodeToken(state, node.id);
  if (token === null) throw notConnected(node);
  const url =
    ssh === 'builtin' ? `unix:${nodeSocket(state.path, node.reversePort)}` : `http://127.0.0.1:${node.reversePort}`;
  return nodeClient({ url, token, name });
}

/** ms: a link that was up so short a time ago is coming back, or its hub has just been started. */
const recentMs = 120_000;
/** ms in which it should be: the tunnel tries again after 10 s at most, and a dead peer shows after 20 s. */
const backWithinMs = 45_000;

/** How long it is worth to wait for an enrolled node that is out of reach, ms. */
export function patienceWith(state: State, name: string): number {
  const node = findNode(state, name);
  if (!node || node.revoked !== null || node.lastSeen === null) return 0;
  return Date.now() - node.lastSeen < recentMs ? backWithinMs : 0;
}

function notConnected({ name, enrolled, lastSeen }: NodeRecord): SendenseError {
  if (enrolled === null)
    return new SendenseError('node.unreachable', `node ${name} was added, but is not enrolled yet`, {
      remedy: 'Run `sendense-node enroll` on it with the token that `sendense-run node add` printed.',
    });
  const since = lastSeen === null ? 'and never was since it was enrolled' : `since ${new Date(lastSeen).toISOString()}`;
  return new SendenseError('node.unreachable', `node ${name} is not connected to this hub, ${since}`, {
    remedy:
      'Check that `sendense-run hub` (or sshd) runs here, and `sendense-node tunnel` there; `sendense-node doctor` on the node says what is wrong.',
  });
}
