import { setTimeout as delay } from 'node:timers/promises';
import { isRunning } from '../../host/programs/process-identity.ts';
import { connectionOf } from '../../state/nodes/node-connections.ts';
import { findNode } from '../../state/nodes/nodes.ts';
import { listLeases, openPortsTo } from '../../state/runs/port-leases.ts';
import type { State } from '../../state/database/open-state.ts';
import type { Settings } from '../../schemas/types.ts';
import type { Services } from '../../steps/services.ts';
import { explainRefusal, requirePortsThere, requireReach } from './check-data-path.ts';
import { checkPorts, openPorts, type DialledNode } from './dial-node.ts';

/** How long a run waits for a node that has no way to its disks, ms; then the node says what is wrong. */
const wayWithinMs = 30_000;
const lookEveryMs = 100;
/** How many ports are tried before the node's sshd counts as one that forwards none. */
const tries = 3;

/** What the steps do to let a node reach the NBD ports of this hub: where it keeps a tunnel they are opened to it, and where the hub must make the way it does. */
export function dataPaths({
  settings,
  settingsFolder,
  state,
  node: clientOf,
}: Pick<Services, 'settings' | 'settingsFolder' | 'state' | 'node'>): Pick<
  Services,
  'checkDataPath' | 'checkPorts' | 'openDataPath'
> {
  const dialled = (name: string): DialledNode | null => {
    const node = settings.nodes[name];
    return node?.mode === 'dial-node' && !node.data ? { name, settings: node, settingsFolder } : null;
  };
  /** What the node knows of a port that it does not give is said with the error. */
  const explained = <T>(name: string, signal: AbortSignal | undefined, work: Promise<T>): Promise<T> =>
    work.catch(async (error: unknown) => {
      throw await explainRefusal(() => clientOf(name), error, signal);
    });
  return {
    openDataPath: async (name, ports, signal, log) => {
      const known = settings.nodes[name];
      if (known?.mode === 'dial-hub' && !known.data) {
        const path = openThroughTunnel(state, name, ports);
        await wayOfDisks(state, name, signal);
        return path;
      }
      const node = dialled(name);
      return node && ports.length > 0
        ? explained(name, signal, openPorts(node, ports, signal, log))
        : new AsyncDisposableStack();
    },
    checkDataPath: async (name, signal) => {
      const known = settings.nodes[name];
      const node = dialled(name);
      if (node) await explained(name, signal, checkPorts(node, idlePorts(settings, state), signal));
      else if (known && known.mode !== 'embedded' && known.data)
        await requireReach(await clientOf(name), known.data, idlePorts(settings, state), signal);
    },
    checkPorts: async (name, ports, signal) => {
      if (dialled(name)) await requirePortsThere(await clientOf(name), ports, signal);
    },
  };
}

/** Through its tunnel the node reaches these ports, and no other node does, until they are closed again. */
function openThroughTunnel(state: State, name: string, ports: readonly number[]): AsyncDisposable {
  openPortsTo(state, name, ports);
  const stack = new AsyncDisposableStack();
  stack.defer(() => openPortsTo(state, null, ports));
  return stack;
}

/** A node that has just connected may not have its way to the disks yet, and a run that begins then would meet a closed port. */
async function wayOfDisks(state: State, name: string, signal: AbortSignal | undefined): Promise<void> {
  for (const end = performance.now() + wayWithinMs; performance.now() < end;) {
    const node = findNode(state, name);
    if (!node || connectionOf(node, isRunning)?.data !== null) return;
    await delay(lookEveryMs, undefined, signal ? { signal } : {});
  }
}

/** From the end: leases are given from the beginning. */
function idlePorts({ ports }: Settings, state: State): number[] {
  const leased = new Set(listLeases(state).map(({ port }) => port));
  const idle: number[] = [];
  for (let port = ports.to; port >= ports.from && idle.length < tries; port--) if (!leased.has(port)) idle.push(port);
  return idle;
}
