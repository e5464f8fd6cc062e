/**
 * Holds the node's end of a tunnel, on the host on which it is started. Standard input: its options, one line of JSON;
 * standard output: `up` when it is. It ends with its standard input.
 */
import { createInterface } from 'node:readline';
import { dataConnections } from '../../../src/host/net/loopback-addresses.ts';
import { ticketOffice } from '../../../src/node/link/data-tickets.ts';
import { openDataTunnels, sharesOf } from '../../../src/node/link/data-tunnels.ts';
import { openTunnel, type TunnelOptions } from '../../../src/host/ssh/tunnel.ts';

/** What goes over standard input. */
export interface TunnelOrder extends Pick<TunnelOptions, 'server' | 'keyFile' | 'local' | 'remote' | 'folder'> {
  readonly program: 'openssh' | 'ssh2';
  readonly command: string;
  /** By connections of their own, as nodes do, and the session by another one. */
  readonly data: boolean;
}

const hello = {
  version: 1,
  node_version: '1',
  hostname: 'bench',
  boot_id: '00000000-0000-0000-0000-000000000000',
};

const lines = createInterface({ input: process.stdin });
const ended = new Promise((resolve) => lines.once('close', resolve));
const [line] = await new Promise<string[]>((resolve) => lines.once('line', (text: string) => resolve([text])));
const { data, ...order } = JSON.parse(line ?? '') as TunnelOrder;
const log: NonNullable<TunnelOptions['log']> = (level, message) =>
  level === 'info' || process.stderr.write(`${message}\n`);
const signal = AbortSignal.timeout(30_000);
const tickets = ticketOffice({ server: order.server, say: (text) => tunnel.say(text) });
await using disks = data
  ? openDataTunnels({ ...order, tickets, shares: sharesOf(order.local, dataConnections), log })
  : null;
await using tunnel = openTunnel({
  ...order,
  local: data ? [] : order.local,
  hello: () => JSON.stringify({ ...hello, time: Date.now() }),
  onLine: tickets.take,
  log,
});
await tunnel.ready(signal);
tickets.open(true);
await disks?.ready(signal);
process.stdout.write('up\n');
await ended;
