import { isRunning } from '../../host/programs/process-identity.ts';
import { fingerprintOf } from '../../host/ssh/keys.ts';
import { version } from '../../schemas/package.ts';
import type { NodesOutput } from '../../schemas/types.ts';
import { versionMisfit } from '../../schemas/version-fit.ts';
import { connectionOf } from '../../state/nodes/node-connections.ts';
import { otherMachine } from '../../state/nodes/node-machines.ts';
import type { NodeRecord } from '../../state/nodes/nodes.ts';
import type { State } from '../../state/database/open-state.ts';
import { listLeases } from '../../state/runs/port-leases.ts';

/** Nodes as they are shown: without keys and tokens. */
export function describeNodes(state: State, nodes: readonly NodeRecord[]): NodesOutput {
  const leases = listLeases(state);
  return {
    version: 1,
    nodes: nodes.map((node) => {
      const connection = connectionOf(node, isRunning);
      return {
        name: node.name,
        state: stateOf(node, connection !== null),
        reverse_port: node.reversePort,
        key: node.publicKey === null ? null : fingerprintOf(node.publicKey),
        hostname: node.hostname,
        node_version: node.version,
        version_misfit: node.version === null ? null : versionMisfit({ hub: version, node: node.version }),
        created: node.created,
        enrolled: node.enrolled,
        token_expires: node.oneTimeKey !== null && node.used === null ? node.expires : null,
        connected_since: connection?.since ?? null,
        peer: node.peer,
        data: connection?.data ?? null,
        last_seen: node.lastSeen,
        revoked: node.revoked,
        other_machine: otherOf(node),
        open_ports: leases.filter((lease) => lease.node === node.name).map(({ port }) => port),
      };
    }),
  };
}

function stateOf(node: NodeRecord, connected: boolean): NodesOutput['nodes'][number]['state'] {
  if (node.revoked !== null) return 'revoked';
  if (node.enrolled === null) return (node.expires ?? 0) > Date.now() ? 'waiting' : 'expired';
  return connected ? 'connected' : 'disconnected';
}

function otherOf(node: NodeRecord): NodesOutput['nodes'][number]['other_machine'] {
  const other = otherMachine(node);
  return other && { hostname: other.hostname, peer: other.peer, seen: other.seen };
}
