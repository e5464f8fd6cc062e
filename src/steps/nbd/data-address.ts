import { join } from 'node:path';
import { tcpUri, tlsUri, unixUri } from '../../host/nbd/nbd-uri.ts';
import { pskIdentity } from '../../host/nbd/psk-file.ts';
import { runFolderOf } from '../../host/programs/run-folder.ts';
import { addressOfNode } from '../../state/nodes/node-address.ts';
import type { Services } from '../services.ts';

/** Where the NBD servers of a run listen, and how the node reaches them. */
export type DataAddress = PrivateSockets | TcpAddress;

/** Unix sockets in the run's folder, which is this user's alone: the node is a part of this process. */
export interface PrivateSockets {
  readonly kind: 'unix';
}

export interface TcpAddress {
  readonly kind: 'tcp';
  /** Address of this host. */
  readonly listen: string;
  /** Its name as the node sees it. */
  readonly host: string;
  readonly tls: 'none' | 'psk';
}

export const loopback: TcpAddress = { kind: 'tcp', listen: '127.0.0.1', host: '127.0.0.1', tls: 'psk' };

/**
 * What sendense.yaml says of a node, else the loopback address, where a tunnel has the ports on the node, too. For a node
 * that keeps the tunnel itself they are served at an address of its own, to which no other node gets. Every user of hub and node can
 * connect to a loopback address, so the servers there want the key of the run, unless the settings say otherwise.
 */
export function dataAddressOf(
  { settings, state, isEmbedded }: Pick<Services, 'settings' | 'state' | 'isEmbedded'>,
  node: string,
): DataAddress {
  if (isEmbedded(node)) return { kind: 'unix' };
  const known = settings.nodes[node];
  if (!known || known.mode === 'embedded') return loopback;
  if (known.data) return { kind: 'tcp', ...known.data };
  const listen = known.mode === 'dial-hub' ? addressOfNode(state, node) : undefined;
  return { ...loopback, listen: listen ?? loopback.listen, tls: known.tls ?? loopback.tls };
}

/** The target that the node writes to. */
export function targetUri(address: DataAddress, runId: string, disk: string, port: number | null): string {
  const exportName = exportOf(runId, disk);
  if (address.kind === 'unix') return unixUri(socketOf(runId, disk), exportName);
  const { host, tls } = address;
  return tls === 'psk' ? tlsUri(host, port ?? 0, exportName, pskIdentity) : tcpUri(host, port ?? 0, exportName);
}

/** Holds the run's id: a client of an earlier run that comes back to a port finds no export of its name there. */
export const exportOf = (runId: string, disk: string): string => `${disk}-${runId}`;

export const socketOf = (runId: string, disk: string): string => join(runFolderOf(runId), `${disk}.sock`);

export const pidFileOf = (runId: string, disk: string): string => join(runFolderOf(runId), `${disk}.pid`);

/** Folder of the key of a run, inside the run's own, which every way out removes. */
export const pskFolderOf = (runId: string): string => join(runFolderOf(runId), 'tls');
