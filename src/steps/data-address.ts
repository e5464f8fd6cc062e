import { join } from 'node:path';
import { tcpUri, tlsUri } from '../host/nbd-uri.ts';
import { pskIdentity } from '../host/psk-file.ts';
import { runFolderOf } from '../host/run-folder.ts';
import type { Settings } from '../schemas/types.ts';
import { addressOfNode } from '../state/node-address.ts';
import type { State } from '../state/open-state.ts';

/** Where the NBD servers of a run listen, and how the node reaches them. */
export interface DataAddress {
  /** Address of this host. */
  readonly listen: string;
  /** Its name as the node sees it. */
  readonly host: string;
  readonly tls: 'none' | 'psk';
}

const loopback: DataAddress = { listen: '127.0.0.1', host: '127.0.0.1', tls: 'none' };

/**
 * What sendense.yaml says of a node, else the loopback address, where a tunnel has the ports on the node, too. For a node
 * that keeps the tunnel itself they are served at an address of its own, to which no other node gets.
 */
export function dataAddressOf(
  { settings, state }: { readonly settings: Settings; readonly state: State },
  node: string,
): DataAddress {
  const known = settings.nodes[node];
  const direct = known && known.mode !== 'embedded' ? known.data : undefined;
  if (direct) return direct;
  return known?.mode === 'dial-hub' ? { ...loopback, listen: addressOfNode(state, node) ?? loopback.listen } : loopback;
}

/** The target that the node writes to. */
export const targetUri = ({ host, tls }: DataAddress, port: number, exportName: string): string =>
  tls === 'psk' ? tlsUri(host, port, exportName, pskIdentity) : tcpUri(host, port, exportName);

/** Folder of the key of a run, inside the run's own, which every way out removes. */
export const pskFolderOf = (runId: string): string => join(runFolderOf(runId), 'tls');
