import { Counter, Gauge, Registry } from 'prom-client';
import type { NodesOutput } from '../../schemas/types.ts';
import type { SshFigures } from '../ssh-server/server-context.ts';
import type { Sample } from './families.ts';
import { setFigures } from './registry.ts';

/** What is so now. */
export interface FiguresNow {
  readonly nodes: NodesOutput['nodes'];
  /** Runs by status. */
  readonly runs: ReadonlyMap<string, number>;
  readonly leases: number;
  /** Those of backups, which every process of the hub can tell. */
  readonly figures: readonly Sample[];
}

/** What the service itself counts, and the page of figures that its API has. Labels take few values: names of nodes, and words of ours. */
export interface ServiceFigures extends SshFigures {
  readonly contentType: string;
  /** Prometheus' text form. */
  text(now: FiguresNow): Promise<string>;
  /** An answer of the API. */
  request(status: number): void;
}

const nodeStates: readonly NodesOutput['nodes'][number]['state'][] = [
  'waiting',
  'expired',
  'connected',
  'disconnected',
  'revoked',
];

export function createServiceFigures(version: string): ServiceFigures {
  const registry = new Registry();
  const named = (name: string, help: string): { name: string; help: string; registers: Registry[] } => ({
    name: `sendense_hub_${name}`,
    help,
    registers: [registry],
  });
  new Gauge({ ...named('info', 'Always 1; the version is its label.'), labelNames: ['version'] }).set({ version }, 1);
  new Gauge(named('start_time_seconds', 'When this process started, seconds since 1970.')).set(
    (Date.now() - process.uptime() * 1000) / 1000,
  );
  const memory = new Gauge(named('resident_memory_bytes', 'Memory of this process.'));
  const nodes = new Gauge({ ...named('nodes', 'Nodes, by state.'), labelNames: ['state'] });
  const connected = new Gauge({ ...named('node_connected', '1: the node is connected.'), labelNames: ['node'] });
  const lastSeen = new Gauge({
    ...named('node_last_seen_seconds', 'When the node was last seen, seconds since 1970.'),
    labelNames: ['node'],
  });
  const bytes = new Counter({
    ...named(
      'forwarded_bytes_total',
      'Bytes through the tunnels of nodes: by the built-in SSH server itself, and by the sshd that it hands disks to (as TCP counts them).',
    ),
    labelNames: ['node', 'direction', 'by'],
  });
  const bySshd = new Gauge({
    ...named('node_data_by_sshd', '1: an sshd carries the disks of the connected node; 0: the server itself, or none.'),
    labelNames: ['node'],
  });
  const dataConnections = new Counter({
    ...named('data_connections_total', 'Connections for the disks of a node that logged in to an sshd.'),
    labelNames: ['node'],
  });
  const connections = new Counter({
    ...named('node_connections_total', 'Times that a node has connected.'),
    labelNames: ['node'],
  });
  const forwards = new Counter({
    ...named('forwarded_connections_total', 'Connections through tunnels.'),
    labelNames: ['node', 'to'],
  });
  const refused = new Counter({ ...named('refused_total', 'What was refused, by reason.'), labelNames: ['reason'] });
  const requests = new Counter({ ...named('api_requests_total', 'Answers of the API.'), labelNames: ['status'] });
  const runs = new Gauge({ ...named('runs', 'Runs in the database, by status.'), labelNames: ['status'] });
  const leases = new Gauge(named('port_leases', 'NBD ports that are leased now.'));

  return {
    contentType: registry.contentType,
    bytes: (node, direction, count, by) => bytes.inc({ node, direction, by }, count),
    dataConnected: (node) => dataConnections.inc({ node }),
    connected: (node) => connections.inc({ node }),
    forward: (node, to) => forwards.inc({ node, to }),
    refused: (reason) => refused.inc({ reason }),
    request: (status) => requests.inc({ status }),
    text: async (now) => {
      for (const state of nodeStates) nodes.set({ state }, now.nodes.filter((node) => node.state === state).length);
      connected.reset();
      lastSeen.reset();
      bySshd.reset();
      for (const { name: node, state, last_seen: seen, data } of now.nodes) {
        connected.set({ node }, Number(state === 'connected'));
        bySshd.set({ node }, Number(data === 'sshd'));
        if (seen !== null) lastSeen.set({ node }, seen / 1000);
      }
      runs.reset();
      for (const [status, count] of now.runs) runs.set({ status }, count);
      leases.set(now.leases);
      memory.set(process.memoryUsage.rss());
      setFigures(registry, now.figures);
      const page = registry.metrics();
      // It has taken hold of them; they may be many, and are not kept until the next one.
      setFigures(registry, []);
      return page;
    },
  };
}
