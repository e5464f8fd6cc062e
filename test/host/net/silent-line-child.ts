/**
 * Every kind of connection that waits for an answer, on a line that goes silent. Runs in a network namespace of its own, as
 * root: `silent-line-child.ts SECONDS` drops all that arrives at the loopback once all wait, and prints what ended within so many
 * seconds, as JSON: for each kind what it said, and after how many ms; null: it still waits.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { defaultLimits } from '../../../src/api/limits.ts';
import { makeServer } from '../../../src/api/server.ts';
import { hubAgent } from '../../../src/cli/remote/connect-hub.ts';
import { listenAtGate } from '../../../src/host/nbd/gate/listen.ts';
import { connectNbd } from '../../../src/host/nbd/nbd-client.ts';
import { tcpUri } from '../../../src/host/nbd/nbd-uri.ts';
import { nodeClient } from '../../../src/host/node-api/node-client.ts';
import { openSoap } from '../../../src/node/vsphere/soap-connection.ts';
import { startScriptedServer } from '../../node/vsphere/scripted-server.ts';

const token = 'canary-token-0123456789abcdef';
const host = '127.0.0.1';
const seconds = Number(process.argv[2]);
let silentAt = Infinity;

const ended: Record<string, { readonly ms: number; readonly said: string } | null> = {};

/** `waits` resolves or rejects once the connection is over. */
function follow(kind: string, waits: Promise<unknown>): void {
  ended[kind] = null;
  const end = (what: unknown): void => {
    const said = what instanceof Error ? what.message : String(what);
    ended[kind] = { ms: Math.round(performance.now() - silentAt), said };
  };
  waits.then(() => end('closed'), end);
}

const portOf = (listening: { address(): AddressInfo | string | null }): number =>
  (listening.address() as AddressInfo).port;

/** Of a node, with one request that it never answers. */
async function nodeApi(): Promise<void> {
  const server = await makeServer({ name: 'the node', token, limits: defaultLimits, proof: true });
  const arrived = Promise.withResolvers<Socket>();
  server.post('/api/v1/restore/finish', async (request) => {
    arrived.resolve(request.raw.socket);
    await new Promise(() => {});
  });
  await server.listen({ host, port: 0 });
  const client = nodeClient({ url: `http://${host}:${portOf(server.server)}`, token, name: 'far' });
  follow('a request of the hub to a node', client.finishRestore({} as never));
  const socket = await arrived.promise;
  follow('the same at the node', once(socket, 'close'));
}

async function hubApi(): Promise<void> {
  const server = await makeServer({ name: 'the hub', token, limits: defaultLimits });
  const arrived = Promise.withResolvers<Socket>();
  server.get('/wait', async (request) => {
    arrived.resolve(request.raw.socket);
    await new Promise(() => {});
  });
  await server.listen({ host, port: 0 });
  const port = portOf(server.server);
  const place = { url: `http://${host}:${port}`, host, port, tls: false, token, trust: 'system', words: '' } as const;
  const headers = { authorization: `Bearer ${token}` };
  const request = httpRequest({ agent: hubAgent(place), host, port, path: '/wait', headers }).end();
  follow('a request of a command to a hub', once(request, 'response'));
  const socket = await arrived.promise;
  follow('the same at the hub', once(socket, 'close'));
}

async function vcenter(): Promise<void> {
  const server = await startScriptedServer();
  const arrived = { Wait: Promise.withResolvers<void>(), Start_Task: Promise.withResolvers<void>() };
  server.script = ({ method }, response) => {
    if (method !== 'Wait' && method !== 'Start_Task') return;
    arrived[method].resolve();
    // The server takes it for answered, and never answers.
    Object.defineProperty(response, 'headersSent', { value: true });
  };
  const address = { host, port: server.port, password: 'p', thumbprint: server.thumbprint, ca: null };
  const soap = openSoap(address, 'test');
  const vm = { type: 'VirtualMachine', value: 'vm-1' };
  await soap.post('Ask', vm, []);
  follow('a connection to a vCenter that was used before', soap.post('Wait', vm, []));
  follow('a new connection to a vCenter', soap.post('Start_Task', vm, []));
  await Promise.all([arrived.Wait.promise, arrived.Start_Task.promise]);
}

/** A client that has not shown its key yet is enough: the socket is the same. */
async function gate(): Promise<void> {
  const arrived = Promise.withResolvers<Socket>();
  const port = await freePort();
  const place = { address: host, port, socket: '/nowhere', psk: '00'.repeat(32) };
  await listenAtGate(place, { enter: (socket) => arrived.resolve(socket), leave: () => {} });
  connect({ host, port }).resume();
  follow('the gate before the disks of a run', once(await arrived.promise, 'close'));
}

/** A restore reads a disk of the hub. The server takes ten minutes for an answer. */
async function disk(): Promise<void> {
  const port = await freePort();
  const words = ['-f', '-i', host, '-p', String(port), '--filter=delay', 'memory', '1M', 'rdelay=600'];
  const server = spawn('nbdkit', words, { stdio: 'ignore' });
  process.once('exit', () => server.kill('SIGKILL'));
  for (;;) {
    const client = await connectNbd(tcpUri(host, port, '')).catch(() => delay(50));
    if (client) return follow('a read of a disk', client.read(0, Buffer.alloc(4096)));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

execFileSync('ip', ['link', 'set', 'lo', 'up']);
await Promise.all([nodeApi(), hubApi(), vcenter(), gate(), disk()]);
// All that was said has been confirmed.
await delay(500);
execFileSync('nft', [
  'table ip silent { chain arriving { type filter hook input priority filter; iifname "lo" drop; }; }',
]);
silentAt = performance.now();
while (performance.now() - silentAt < seconds * 1000 && Object.values(ended).includes(null)) await delay(100);
console.log(JSON.stringify(ended));
process.exit(0);
