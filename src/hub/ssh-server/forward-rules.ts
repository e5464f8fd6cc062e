import { runThatOpened } from '../../state/runs/port-leases.ts';
import { nodeAddress } from '../../state/nodes/node-address.ts';
import type { NodeRecord } from '../../state/nodes/nodes.ts';
import type { State } from '../../state/database/open-state.ts';
import type { HubPlaces } from '../nodes/hub-places.ts';
import type { Refusal } from './server-context.ts';

export interface AllowedForward {
  readonly allowed: true;
  readonly to: 'nbd' | 'hub-api';
  readonly host: string;
  readonly port: number;
  readonly runId: string | null;
}

export type ForwardDecision = AllowedForward | { readonly allowed: false; readonly reason: Refusal };

const loopbackNames = ['127.0.0.1', 'localhost'];

/**
 * Where a node may connect to: the hub's API, and an NBD port only while it is leased to a run that gave it to this node
 * as a target, so that no node writes into the disks of another. They are served at the address of the node; 127.0.0.1
 * is another name of that.
 */
export function decideForward(
  { state, places }: { readonly state: State; readonly places: HubPlaces },
  node: NodeRecord,
  target: { readonly host: string; readonly port: number },
): ForwardDecision {
  const { nbdPorts, api } = places;
  const { host, port } = target;
  const own = nodeAddress(node.reversePort);
  const isLoopback = loopbackNames.includes(host);
  if (!isLoopback && host !== own) return { allowed: false, reason: 'target' };
  if (port === api.port && isLoopback) {
    const everywhere = ['0.0.0.0', '::'].includes(api.host);
    return { allowed: true, to: 'hub-api', host: everywhere ? '127.0.0.1' : api.host, port, runId: null };
  }
  if (port < nbdPorts.from || port > nbdPorts.to) return { allowed: false, reason: 'target' };
  const runId = runThatOpened(state, port, node.name);
  if (runId === undefined) return { allowed: false, reason: 'port-not-open' };
  return { allowed: true, to: 'nbd', host: own, port, runId };
}

/** A node may let the hub listen on its own reverse port, on the loopback address, and nowhere else. */
export const mayListen = (
  node: NodeRecord,
  { host, port }: { readonly host: string; readonly port: number },
): boolean => loopbackNames.includes(host) && port === node.reversePort;
