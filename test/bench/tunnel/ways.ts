import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataConnections } from '../../../src/host/net/loopback-addresses.ts';
import { tcpUri, tlsUri, unixUri } from '../../../src/host/nbd/nbd-uri.ts';
import { makePsk, pskFileIn, pskIdentity, writePsk } from '../../../src/host/nbd/psk-file.ts';
import { startSshd, type Sshd } from '../../support/sshd.ts';
import { nbdPorts, startBuiltInHub, type BuiltInHub } from './built-in-hub.ts';
import { serveDisks, socketOf } from './disks.ts';
import type { BenchLine } from './lines.ts';
import { descendantsOf } from './process-figures.ts';
import { startChild, type Child } from './start-child.ts';
import type { TunnelOrder } from './tunnel-end.ts';

/** How the node reaches the hub's disks. */
export interface Way {
  readonly name: string;
  /** Of the disks, for our own client. */
  readonly uris: readonly string[];
  /** The same, for nbdcopy. */
  readonly nbdcopyUris: readonly string[];
  readonly pskFolder: string | null;
  /** At how many loopback addresses each disk answers, for our own client. */
  readonly addresses: number;
  /** Processes of the tunnel, at both ends. */
  tunnel(): number[];
  readonly disks: readonly number[];
}

export const wayNames = [
  'direct',
  'ssh -L',
  'four of ssh -L',
  'ours, default',
  'ours, default, TLS inside',
  'ours, default, TLS inside, gate',
  'ssh -L, Unix sockets',
  'ours, OpenSSH both ends',
  'ours, OpenSSH to built-in',
  'ours, ssh2 to built-in',
  'TLS (nbds://, PSK)',
  'TLS (nbds://, PSK), gate',
] as const;
export type WayName = (typeof wayNames)[number];
/** Those with one connection for all forwards, whose memory is measured. */
export const tunnelNames = wayNames.filter(
  (name) => !['direct', 'four of ssh -L', 'ssh -L, Unix sockets'].includes(name) && !name.includes('TLS'),
);
/** What the others are compared with. */
export const reference: WayName = 'ssh -L';

/** Ports at the node's end of a tunnel are these much higher: on one host both ends have them. */
export const shift = 1000;
const most = 8;

/** The SSH servers of a hub. */
export interface Servers extends AsyncDisposable {
  readonly sshd: Sshd;
  readonly builtIn: BuiltInHub;
}

export async function startServers(line: BenchLine, folder: string): Promise<Servers> {
  await using stack = new AsyncDisposableStack();
  const sshd = stack.use(
    await startSshd(join(folder, 'sshd'), { address: line.address, port: 22, prefix: line.hub.prefix }),
  );
  const builtIn = stack.use(await startBuiltInHub(line, join(folder, 'hub')));
  const made = stack.move();
  return { sshd, builtIn, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

/** Opens one way with some disks at its end. */
export async function openWay(
  name: WayName,
  line: BenchLine,
  servers: Servers,
  folder: string,
  disks: { readonly count: number; readonly bytes: number },
): Promise<Way & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const first = nbdPorts.from + wayNames.indexOf(name) * most;
  const ports = Array.from({ length: disks.count }, (_, index) => first + index);
  const pskFolder = name.includes('TLS') ? join(folder, `psk-${first}`) : undefined;
  if (pskFolder) await writePsk(pskFolder, makePsk());
  const bySockets = name === 'ssh -L, Unix sockets';
  const gate = name.endsWith('gate');
  const { pids } = stack.use(await serveDisks(line.hub, folder, ports, disks.bytes, { pskFolder, bySockets, gate }));
  const addresses = name.startsWith('ours, default') ? dataConnections : 1;
  const facts = { name, disks: pids, pskFolder: pskFolder ?? null, addresses };
  const uriOf = (host: string, port: number): string =>
    pskFolder ? tlsUri(host, port, 'disk', pskIdentity) : tcpUri(host, port, 'disk');
  const forNbdcopy = (uri: string): string => (pskFolder ? `${uri}?tls-psk-file=${pskFileIn(pskFolder)}` : uri);
  if (name === 'direct' || name.startsWith('TLS')) {
    const uris = ports.map((port) => uriOf(line.address, port));
    const nbdcopyUris = uris.map(forNbdcopy);
    const made = stack.move();
    return { ...facts, uris, nbdcopyUris, tunnel: () => [], [Symbol.asyncDispose]: () => made.disposeAsync() };
  }
  const tunnel = stack.use(await openTunnelFor(name, line, servers, folder, ports));
  const uris = ports.map((port) =>
    bySockets ? unixUri(socketOf(folder, 'node', port), 'disk') : uriOf('127.0.0.1', port + shift),
  );
  const made = stack.move();
  return {
    ...facts,
    uris,
    nbdcopyUris: uris.map(forNbdcopy),
    tunnel: tunnel.pids,
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

export interface OpenTunnel extends AsyncDisposable {
  pids(): number[];
}

/** The tunnel of one way for these ports of the hub; at the node's end each is higher by {@link shift}. */
export async function openTunnelFor(
  name: WayName,
  line: BenchLine,
  { sshd, builtIn }: Servers,
  folder: string,
  ports: readonly number[],
): Promise<OpenTunnel> {
  const forwards = ports.map((port) => ({ here: port + shift, there: port }));
  if (name === 'four of ssh -L') return fourOfSsh(line, sshd, folder, forwards);
  const before = new Set(sshd.sessions());
  const byData = name.startsWith('ours, default');
  const toBuiltIn = byData || name.endsWith('built-in');
  const sshdsBefore = new Set(descendantsOf(builtIn.pid));
  const node = toBuiltIn ? await builtIn.enrol(`node-${ports[0]}-${ports.length}`, ports) : null;
  const child = name.startsWith('ssh -L')
    ? await plainSsh(line, sshd, folder, forwards, name.endsWith('sockets'))
    : await ourTunnel(line, folder, forwards, node?.address ?? '127.0.0.1', {
        server: toBuiltIn ? builtIn.server : sshd.server,
        keyFile: node?.keyFile ?? sshd.keyFile,
        command: toBuiltIn ? 'sendense-link' : 'cat',
        program: name.includes('ssh2') ? 'ssh2' : 'openssh',
        data: byData,
      });
  const sessions = sshd.sessions().filter((pid) => !before.has(pid));
  const sshds = byData ? descendantsOf(builtIn.pid).filter((pid) => !sshdsBefore.has(pid)) : [];
  return {
    // What holds our tunnel is part of the node's agent in earnest.
    pids: () => [
      ...(name.startsWith('ssh -L') ? [child.pid] : descendantsOf(child.pid)),
      ...(toBuiltIn ? [builtIn.pid, ...sshds] : sessions),
    ],
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

/** A connection for each disk, as somebody would who wants more than one gives. */
async function fourOfSsh(line: BenchLine, sshd: Sshd, folder: string, forwards: Ports): Promise<OpenTunnel> {
  await using stack = new AsyncDisposableStack();
  const before = new Set(sshd.sessions());
  const children: Child[] = [];
  for (const forward of forwards) children.push(stack.use(await plainSsh(line, sshd, folder, [forward])));
  const pids = [...children.map(({ pid }) => pid), ...sshd.sessions().filter((pid) => !before.has(pid))];
  const made = stack.move();
  return { pids: () => pids, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

type Ports = readonly { readonly here: number; readonly there: number }[];

/** What one would write by hand, with the session that takes Nagle off, and the cipher that ours has. */
async function plainSsh(
  line: BenchLine,
  { server, keyFile }: Sshd,
  folder: string,
  ports: Ports,
  bySockets = false,
): Promise<Child> {
  const knownHosts = join(folder, 'known_hosts');
  await writeFile(knownHosts, `[${server.host}]:${server.port},${server.host} ${server.hostKeys[0]}\n`);
  const options = [`UserKnownHostsFile=${knownHosts}`, 'BatchMode=yes'].flatMap((option) => ['-o', option]);
  for (const { there } of bySockets ? ports : []) await rm(socketOf(folder, 'node', there), { force: true });
  const forwards = ports.flatMap(({ here, there }) => [
    '-L',
    bySockets
      ? `${socketOf(folder, 'node', there)}:${socketOf(folder, 'hub', there)}`
      : `127.0.0.1:${here}:127.0.0.1:${there}`,
  ]);
  const place = `-p ${server.port} -l ${server.user} ${server.host}`.split(' ');
  const cipher = 'aes128-gcm@openssh.com';
  const argv = ['ssh', '-F', 'none', '-T', ...options, '-c', cipher, '-i', keyFile, ...forwards, ...place, 'cat'];
  return startChild(line.node, argv, { ready: /hello/, input: 'hello\n' });
}

async function ourTunnel(
  line: BenchLine,
  folder: string,
  ports: Ports,
  address: string,
  order: Pick<TunnelOrder, 'server' | 'keyFile' | 'command' | 'program' | 'data'>,
): Promise<Child> {
  const own = join(folder, `tunnel-${ports[0]?.here}-${ports.length}`);
  await mkdir(own, { mode: 0o700 });
  const at = (port: number) => ({ host: '127.0.0.1', port });
  const whole: TunnelOrder = {
    ...order,
    folder: own,
    local: ports.map(({ here, there }) => ({ listen: at(here), connect: { ...at(there), host: address } })),
    remote: [],
  };
  const argv = [process.execPath, join(import.meta.dirname, 'tunnel-end.ts')];
  return startChild(line.node, argv, { ready: /^up$/m, input: `${JSON.stringify(whole)}\n` });
}
