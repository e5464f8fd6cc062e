import { join } from 'node:path';
import { tcpUri, tlsUri } from '../host/nbd-uri.ts';
import { pskIdentity } from '../host/psk-file.ts';
import { runFolderOf } from '../host/run-folder.ts';
import type { Settings } from '../schemas/types.ts';

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
 * What sendense.yaml says of a node, else the loopback address, where a tunnel has the ports on the node, too. sshd opens
 * them to every enrolled node, so there a key of the run keeps the others out.
 */
export function dataAddressOf(settings: Settings, node: string): DataAddress {
  const known = settings.nodes[node];
  const direct = known && known.mode !== 'embedded' ? known.data : undefined;
  if (direct) return direct;
  return known?.mode === 'dial-hub' && settings.hub.ssh === 'openssh' ? { ...loopback, tls: 'psk' } : loopback;
}

/** The target that the node writes to. */
export const targetUri = ({ host, tls }: DataAddress, port: number, exportName: string): string =>
  tls === 'psk' ? tlsUri(host, port, exportName, pskIdentity) : tcpUri(host, port, exportName);

/** Folder of the key of a run, inside the run's own, which every way out removes. */
export const pskFolderOf = (runId: string): string => join(runFolderOf(runId), 'tls');
