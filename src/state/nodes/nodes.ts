import { randomUUID } from 'node:crypto';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';
import type { Machines } from './machines.ts';
import type { State } from '../database/open-state.ts';
import type { NodesTable } from '../database/tables.ts';

/** A node that was added on this hub. Times are milliseconds since the epoch. Its API token: `node-tokens.ts`. */
export interface NodeRecord {
  readonly id: string;
  readonly name: string;
  /** `ssh-ed25519 AAAA…`; null: not enrolled yet. */
  readonly publicKey: string | null;
  /** Of the newest enrolment token, used or not. */
  readonly oneTimeKey: string | null;
  readonly expires: number | null;
  readonly used: number | null;
  /** Port of the hub's loopback address that leads to the node's API. */
  readonly reversePort: number;
  readonly hostname: string | null;
  readonly version: string | null;
  readonly created: number;
  readonly enrolled: number | null;
  readonly lastSeen: number | null;
  /** As the database says; `connectionOf` in `node-connections.ts` knows whether the process at the hub's end still runs. */
  readonly connectedSince: number | null;
  readonly peer: string | null;
  readonly connection: string | null;
  /** What carries its disks; null: not connected, or it has not said yet. */
  readonly data: 'sshd' | 'builtin' | null;
  readonly connectionOwner: ProcessIdentity | null;
  readonly revoked: number | null;
  readonly machines: Machines | null;
}

export interface NewNode {
  readonly name: string;
  /** Public key of the enrolment token. */
  readonly oneTimeKey: string;
  readonly expires: number;
  /** Range of reverse ports; the node gets the lowest that is free, for good. */
  readonly ports: { readonly from: number; readonly to: number };
}

/** All, by name. */
export const listNodes = (state: State): NodeRecord[] =>
  state.all(state.query.selectFrom('nodes').selectAll().orderBy('name')).map(toRecord);

export function findNode(state: State, name: string): NodeRecord | undefined {
  const row = state.first(state.query.selectFrom('nodes').selectAll().where('name', '=', name));
  return row && toRecord(row);
}

export function findNodeById(state: State, id: string): NodeRecord | undefined {
  const row = state.first(state.query.selectFrom('nodes').selectAll().where('id', '=', id));
  return row && toRecord(row);
}

/** @throws SendenseError `node.unknown` */
export function requireNode(state: State, name: string): NodeRecord {
  const node = findNode(state, name);
  if (node) return node;
  throw noNode(
    name,
    listNodes(state).map((one) => one.name),
  );
}

/** @param names of those that there are */
export const noNode = (name: string, names: readonly string[]): SendenseError =>
  new SendenseError(
    'node.unknown',
    `there is no enrolled node ${name}; there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ') || 'none'}`,
  );

/** Whose key that is, as its own or as that of its newest enrolment token. */
export function findNodeByKey(
  state: State,
  publicKey: string,
): { readonly node: NodeRecord; readonly key: 'own' | 'one-time' } | undefined {
  const row = state.first(
    state.query
      .selectFrom('nodes')
      .selectAll()
      .where((is) => is.or([is('public_key', '=', publicKey), is('one_time_key', '=', publicKey)])),
  );
  return row && { node: toRecord(row), key: row.public_key === publicKey ? 'own' : 'one-time' };
}

/** @throws SendenseError `node.exists`, `node.ports` */
export function addNode(state: State, { name, oneTimeKey, expires, ports }: NewNode): NodeRecord {
  return state.transaction(() => {
    if (findNode(state, name)) throw exists(name);
    const row = {
      id: randomUUID(),
      name,
      one_time_key: oneTimeKey,
      expires,
      reverse_port: freePort(state, ports),
      created: Date.now(),
    };
    state.run(state.query.insertInto('nodes').values(row));
    return requireNode(state, name);
  });
}

/** A new enrolment token for a node, for one that lost its key or was revoked; the one before is void. @throws SendenseError `node.unknown` */
export function renewNodeToken(state: State, name: string, oneTimeKey: string, expires: number): NodeRecord {
  return state.transaction(() => {
    const { id } = requireNode(state, name);
    const change = { one_time_key: oneTimeKey, expires, used: null };
    state.run(state.query.updateTable('nodes').set(change).where('id', '=', id));
    return requireNode(state, name);
  });
}

/** Leases of its runs go with it. @throws SendenseError `node.unknown`, `node.exists` */
export function renameNode(state: State, name: string, to: string): NodeRecord {
  return state.transaction(() => {
    const { id } = requireNode(state, name);
    if (to !== name && findNode(state, to)) throw exists(to);
    state.run(state.query.updateTable('nodes').set({ name: to }).where('id', '=', id));
    state.run(state.query.updateTable('port_leases').set({ node: to }).where('node', '=', name));
    return requireNode(state, to);
  });
}

/** From now on its key and its token are refused; its row stays, and with it its name and port. @throws SendenseError `node.unknown` */
export function revokeNode(state: State, name: string): NodeRecord {
  return state.transaction(() => {
    const { id, revoked } = requireNode(state, name);
    const change = { revoked: revoked ?? Date.now(), one_time_key: null, api_token: null, key_id: null };
    state.run(state.query.updateTable('nodes').set(change).where('id', '=', id));
    return requireNode(state, name);
  });
}

/** Forgets it; its key is an unknown one then, and no later node of its name gets the ports of its runs. @throws SendenseError `node.unknown` */
export function removeNode(state: State, name: string): NodeRecord {
  return state.transaction(() => {
    const node = requireNode(state, name);
    state.run(state.query.deleteFrom('nodes').where('id', '=', node.id));
    const gone = removedAt(node.reversePort);
    state.run(state.query.updateTable('port_leases').set({ node: gone }).where('node', '=', node.name));
    return node;
  });
}

/**
 * In place of its name, of whom the disks of a run are served that has not ended: nobody else may have the port meanwhile, and
 * with it the address (`node-address.ts`). No node has such a name.
 */
const removedAt = (reversePort: number): string => `~${reversePort}`;

function freePort(state: State, { from, to }: NewNode['ports']): number {
  const nodes = listNodes(state);
  const taken = new Set(nodes.map(({ reversePort }) => reversePort));
  const leases = state.all(state.query.selectFrom('port_leases').select('node').distinct());
  const served = new Set(leases.map(({ node }) => node));
  for (let port = from; port <= to; port++) if (!taken.has(port) && !served.has(removedAt(port))) return port;
  throw new SendenseError(
    'node.ports',
    `each node needs a port of its own, and the ${to - from + 1} ports ${from}-${to} are taken by ${nodes.map(({ name }) => name).join(', ')}`,
  );
}

const exists = (name: string): SendenseError => new SendenseError('node.exists', `there is a node ${name} already`);

const toRecord = (row: NodesTable): NodeRecord => ({
  id: row.id,
  name: row.name,
  publicKey: row.public_key,
  oneTimeKey: row.one_time_key,
  expires: row.expires,
  used: row.used,
  reversePort: row.reverse_port,
  hostname: row.hostname,
  version: row.version,
  created: row.created,
  enrolled: row.enrolled,
  lastSeen: row.last_seen,
  connectedSince: row.connected_since,
  peer: row.peer,
  connection: row.connection,
  data: row.data,
  connectionOwner: row.connection_owner === null ? null : (JSON.parse(row.connection_owner) as ProcessIdentity),
  revoked: row.revoked,
  machines: row.machines === null ? null : (JSON.parse(row.machines) as Machines),
});
