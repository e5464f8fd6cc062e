import type { ProcessIdentity } from '../../schemas/types.ts';
import type { NodeRecord } from './nodes.ts';
import type { State } from '../database/open-state.ts';

export interface NewConnection {
  /** Random id; a later connection of the same node takes its place. */
  readonly connection: string;
  /** The process at the hub's end. */
  readonly owner: ProcessIdentity;
  /** Address and port. */
  readonly peer: string;
  /** What carries its disks; null: the node will say. */
  readonly data: 'sshd' | 'builtin' | null;
}

/** Why a connection has to end: another one took its place, or its node was revoked, removed, or has another key. */
export type ConnectionEnd = 'replaced' | 'revoked' | 'removed';

/** The node is connected; a connection before this one is replaced. False where it was revoked or removed meanwhile. */
export function connectNode(state: State, nodeId: string, { connection, owner, peer, data }: NewConnection): boolean {
  const time = Date.now();
  const change = {
    connection,
    connection_owner: JSON.stringify(owner),
    peer,
    data,
    connected_since: time,
    last_seen: time,
  };
  const update = state.query.updateTable('nodes').set(change).where('id', '=', nodeId);
  return state.run(update.where('revoked', 'is', null)) === 1;
}

/** What carries the disks of a connected node from now on; nothing happens where another connection has taken its place. */
export function enterDataWay(state: State, nodeId: string, connection: string, data: NewConnection['data']): void {
  const update = state.query.updateTable('nodes').set({ data }).where('id', '=', nodeId);
  state.run(update.where('connection', '=', connection));
}

/** What the node says of itself. */
export function describeNode(state: State, nodeId: string, facts: { hostname: string; version: string }): void {
  state.run(state.query.updateTable('nodes').set(facts).where('id', '=', nodeId));
}

/** Why a connection has to end; null where it need not. Reads only, which works while another process writes. */
export function connectionEnd(
  state: State,
  nodeId: string,
  publicKey: string,
  connection: string,
): ConnectionEnd | null {
  const row = state.first(state.query.selectFrom('nodes').selectAll().where('id', '=', nodeId));
  if (!row) return 'removed';
  if (row.revoked !== null || row.public_key !== publicKey) return 'revoked';
  return row.connection === connection ? null : 'replaced';
}

/** Enters that these connections live: one write for all of them. */
export function connectionsSeen(state: State, connections: readonly string[]): void {
  if (connections.length === 0) return;
  state.run(state.query.updateTable('nodes').set({ last_seen: Date.now() }).where('connection', 'in', connections));
}

/** The connection has ended; nothing happens where another one has taken its place. */
export function disconnectNode(state: State, nodeId: string, connection: string): void {
  const change = { connection: null, connection_owner: null, connected_since: null, data: null, last_seen: Date.now() };
  const update = state.query.updateTable('nodes').set(change).where('id', '=', nodeId);
  state.run(update.where('connection', '=', connection));
}

/** The node's live connection; null where there is none, also after a crash of the process at the hub's end. */
export function connectionOf(
  node: NodeRecord,
  isRunning: (owner: ProcessIdentity) => boolean,
): {
  readonly since: number;
  readonly peer: string;
  readonly owner: ProcessIdentity;
  readonly data: NewConnection['data'];
} | null {
  const { connectedSince: since, peer, connectionOwner: owner, data } = node;
  return since !== null && owner !== null && isRunning(owner) ? { since, peer: peer ?? '', owner, data } : null;
}
