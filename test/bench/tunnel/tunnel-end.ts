/**
 * Holds the node's end of a tunnel, on the host on which it is started. Standard input: its options, one line of JSON;
 * standard output: `up` when it is. It ends with its standard input.
 */
import { createInterface } from 'node:readline';
import { openTunnel, type TunnelOptions } from '../../../src/host/ssh/tunnel.ts';

/** What goes over standard input. */
export interface TunnelOrder extends Pick<TunnelOptions, 'server' | 'keyFile' | 'local' | 'remote' | 'folder'> {
  readonly program: 'openssh' | 'ssh2';
  readonly command: string;
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
await using tunnel = openTunnel({
  ...(JSON.parse(line ?? '') as TunnelOrder),
  hello: () => JSON.stringify({ ...hello, time: Date.now() }),
  log: (level, message) => level === 'info' || process.stderr.write(`${message}\n`),
});
await tunnel.ready(AbortSignal.timeout(30_000));
process.stdout.write('up\n');
await ended;
