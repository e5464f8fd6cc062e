/** The connections of a node for its disks, which the hub hands to sshd: with the real programs at both ends. */
import { execa } from 'execa';
import { once } from 'node:events';
import { mkdir, rename } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Client, ClientChannel } from 'ssh2';
import { describe, expect, test } from 'vitest';
import { SendenseError } from '../../../src/errors/sendense-error.ts';
import { describeNodes } from '../../../src/hub/nodes/describe-nodes.ts';
import { gateLimits } from '../../../src/hub/ssh-server/gate.ts';
import { loopbackAddresses } from '../../../src/host/net/loopback-addresses.ts';
import { dialData } from '../../../src/host/ssh/dial-data.ts';
import { openTunnel } from '../../../src/host/ssh/tunnel.ts';
import { diskAddresses, linkOf } from '../../../src/node/link-state.ts';
import type { Link } from '../../../src/node/link/keep-link.ts';
import type { LinkStatus } from '../../../src/schemas/types.ts';
import { nodeAddress } from '../../../src/state/nodes/node-address.ts';
import { requireNode, revokeNode } from '../../../src/state/nodes/nodes.ts';
import { freePort } from '../../support/free-ports.ts';
import { hubBench, type EnrolledNode, type HubBench } from '../../hub/ssh-server/hub-bench.ts';
import { until } from '../support.ts';
import { nodeBench, type NodeBench } from './node-bench.ts';
import { closed } from '../../support/closed.ts';

const api = { host: '127.0.0.1', port: 1 };
const wayOf = (link: Link, want: Partial<LinkStatus['data']>): Promise<LinkStatus['data']> =>
  until(
    () => {
      const { data } = link.status();
      return Object.entries(want).every(([key, value]) => data[key as keyof typeof data] === value) && data;
    },
    `the disks go by ${JSON.stringify(want)}`,
  );

/** What an echo says to somebody on the node's side. */
async function through(port: number, text = 'written to a disk', host = '127.0.0.1'): Promise<string> {
  const socket = connect({ port, host, allowHalfOpen: true });
  socket.on('error', () => {});
  socket.end(text);
  return (await buffer(socket).catch(() => Buffer.alloc(0))).toString();
}

const carriedBy = ({ hub }: NodeBench): string | null | undefined =>
  describeNodes(hub.state, [requireNode(hub.state, 'site-b')]).nodes[0]?.data;

/** Bytes that sshd has carried, from the node and to it. */
const bySshd = ({ hub }: NodeBench): number[] =>
  ['from_node', 'to_node'].map((direction) => hub.bytes.get(`site-b ${direction} by sshd`) ?? 0);

/** Processes of sshd that serve a connection for this hub. */
async function sshds(): Promise<number[]> {
  const { stdout } = await execa('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { reject: false });
  return stdout.split('\n').flatMap((line) => Number(/^ *(\d+) .*sshd/.exec(line)?.[1] ?? []) || []);
}

describe('the disks of a node', { timeout: 300_000 }, () => {
  test('go through sshd, and not through the server', async () => {
    await using at = await nodeBench();
    await at.enroll();
    await using link = await at.link(api);
    await wayOf(link, { way: 'connection', state: 'up' });
    const port = await at.hub.echo('site-b');
    const text = 'x'.repeat(3_000_000);
    expect(await through(port, text)).toBe(text);
    expect(at.hub.bytes.get('site-b from_node') ?? 0).toBeLessThan(100_000);
    await until(async () => {
      await at.hub.count();
      return bySshd(at).every((bytes) => bytes > text.length);
    }, 'the bytes of both directions');
    for (const bytes of bySshd(at)) expect(bytes).toBeLessThan(1.05 * text.length);
    await until(() => carriedBy(at) === 'sshd', 'the list of nodes says so');
    await at.hub.logged(/the data connection is logged in/);
  });

  test('are cut off with the node', async () => {
    await using at = await nodeBench();
    await at.enroll();
    await using link = await at.link(api);
    await wayOf(link, { way: 'connection', state: 'up' });
    const port = await at.hub.echo('site-b');
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('x');
    await once(socket, 'data');
    const end = closed(socket);
    revokeNode(at.hub.state, 'site-b');
    await end;
    await at.hub.logged(/the data connection has ended/);
    await until(async () => (await sshds()).length === 0, 'no sshd is left');
  });

  test('answer at four addresses, at each by a connection of its own, which breaks alone', async () => {
    await using at = await nodeBench();
    await at.enroll();
    await using link = await at.link(api);
    const { connections } = await wayOf(link, { way: 'connection', state: 'up' });
    expect(connections).toBe(4);
    expect(diskAddresses(await linkOf(at.stateDir))).toBe(4);
    const numbers = at.hub.log.flatMap(({ facts }) => facts['data_connection'] ?? []);
    expect(new Set(numbers)).toEqual(new Set([0, 1, 2, 3]));
    const port = await at.hub.echo('site-b');
    const open = await Promise.all(
      loopbackAddresses(connections).map(async (host) => {
        const socket = connect(port, host);
        socket.on('error', () => {});
        socket.write('x');
        await once(socket, 'data');
        return { host, socket };
      }),
    );
    const [first] = await sshds();
    const broken = Promise.race(open.map(({ socket }) => closed(socket)));
    process.kill(first ?? 0, 'SIGKILL');
    await broken;
    const others = open.filter(({ socket }) => !socket.destroyed);
    expect(others).toHaveLength(3);
    for (const { socket } of others) {
      socket.write('y');
      await once(socket, 'data');
    }
    for (const { host } of others) expect(await through(port, 'beside', host)).toBe('beside');
    await wayOf(link, { state: 'down' });
    await wayOf(link, { state: 'up' });
    for (const { host, socket } of open) {
      expect(await through(port, 'again', host)).toBe('again');
      socket.destroy();
    }
    await link[Symbol.asyncDispose]();
    expect(diskAddresses(await linkOf(at.stateDir))).toBe(1);
  });

  test('come back after a break of their connections alone', async () => {
    await using at = await nodeBench();
    await at.enroll();
    await using link = await at.link(api);
    await wayOf(link, { way: 'connection', state: 'up' });
    const port = await at.hub.echo('site-b');
    const text = 'x'.repeat(200_000);
    expect(await through(port, text)).toBe(text);
    for (const pid of await sshds()) process.kill(pid, 'SIGKILL');
    await wayOf(link, { state: 'down' });
    await wayOf(link, { state: 'up' });
    // Nobody has asked before it ended.
    const before = bySshd(at);
    for (const bytes of before) expect(bytes).toBeGreaterThan(text.length);
    expect(await through(port)).toBe('written to a disk');
    await until(async () => {
      await at.hub.count();
      return bySshd(at).every((bytes, direction) => bytes > (before[direction] ?? 0));
    }, 'the counters go on');
    expect(link.status()).toMatchObject({ state: 'up', connections: 1 });
  });

  test('go with the link where sshd cannot be had, and by connections of their own when it can again', async () => {
    await using at = await nodeBench();
    await at.enroll();
    const { hostKeyFile } = at.hub.places;
    await rename(hostKeyFile, `${hostKeyFile}.away`);
    await using link = await at.link(api, { retryDataMs: 500 });
    const given = await wayOf(link, { way: 'tunnel', state: 'up' });
    expect(given.error).toMatch(/connection/i);
    expect(at.logged.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('the disks go with the link'));
    const port = await at.hub.echo('site-b');
    expect(await through(port)).toBe('written to a disk');
    await until(() => carriedBy(at) === 'builtin', 'the list of nodes says so');
    await rename(`${hostKeyFile}.away`, hostKeyFile);
    await wayOf(link, { way: 'connection', state: 'up', error: null });
    expect(await through(port)).toBe('written to a disk');
  });

  test('go by one connection where the others cannot listen, and by all when they can again', async () => {
    await using at = await nodeBench();
    const { nbd_ports: ports } = await at.enroll();
    const held = createServer().listen(ports.to, '127.0.0.3');
    await once(held, 'listening');
    await using link = await at.link(api, { retryDataMs: 1000 });
    const given = await wayOf(link, { way: 'connection', state: 'up', connections: 1 });
    expect(given.error).toMatch(
      new RegExp(`port ${ports.to} at 127\\.0\\.0\\.3 of this host: .*\\(process ${process.pid}\\) holds it`),
    );
    expect(diskAddresses(await linkOf(at.stateDir))).toBe(1);
    const port = await at.hub.echo('site-b');
    expect(await through(port)).toBe('written to a disk');
    await until(() => carriedBy(at) === 'sshd', 'the list of nodes says so');
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('x');
    await once(socket, 'data');
    // It is tried in vain, which must not disturb what the one connection carries.
    await until(() => at.logged.some(({ msg }) => String(msg).includes('the disks go as before')), 'a trial in vain');
    socket.write('y');
    await once(socket, 'data');
    socket.destroy();
    held.close();
    await wayOf(link, { way: 'connection', state: 'up', connections: 4, error: null });
    expect(await through(port, 'again', '127.0.0.3')).toBe('again');
  });

  test('come back from the link by one connection where that is all that can be made', async () => {
    await using at = await nodeBench();
    const { nbd_ports: ports } = await at.enroll();
    const { hostKeyFile } = at.hub.places;
    await rename(hostKeyFile, `${hostKeyFile}.away`);
    await using link = await at.link(api, { retryDataMs: 500 });
    await wayOf(link, { way: 'tunnel', state: 'up' });
    const held = createServer().listen(ports.from, '127.0.0.2');
    await once(held, 'listening');
    await rename(`${hostKeyFile}.away`, hostKeyFile);
    const { error } = await wayOf(link, { way: 'connection', state: 'up', connections: 1 });
    expect(error).toContain(`port ${ports.from} at 127.0.0.2 of this host`);
    expect(await through(await at.hub.echo('site-b'))).toBe('written to a disk');
    held.close();
    await wayOf(link, { way: 'connection', state: 'up', connections: 4, error: null });
  });

  test('go with the link where the hub is told not to use sshd', async () => {
    await using at = await nodeBench({ data: 'builtin' });
    await at.enroll();
    await using link = await at.link(api);
    await wayOf(link, { way: 'tunnel', state: 'up', error: null });
    expect(await through(await at.hub.echo('site-b'))).toBe('written to a disk');
    await until(() => carriedBy(at) === 'builtin', 'the list of nodes says so');
  });
});

/** The session of a node: says a line, and answers with the next one that comes. */
async function sessionOf(client: Client): Promise<(line: object) => Promise<Record<string, unknown>>> {
  const channel = await new Promise<ClientChannel>((resolve, reject) =>
    client.exec('sendense-link', (error, opened) => (error ? reject(error) : resolve(opened))),
  );
  const say = async (line: object): Promise<Record<string, unknown>> => {
    channel.write(`${JSON.stringify(line)}\n`);
    const [chunk] = (await once(channel, 'data')) as [Buffer];
    return JSON.parse(chunk.toString()) as Record<string, unknown>;
  };
  await say({ version: 1, node_version: '1', hostname: 'b', boot_id: 'x', time: Date.now() });
  return say;
}

const ticketOf = async (hub: HubBench, node: EnrolledNode): Promise<{ ticket: string; user: string }> => {
  const say = await sessionOf(await hub.client(node.privateKey));
  return (await say({ data: 'ticket' })) as { ticket: string; user: string };
};

const places = (hub: HubBench): { host: string; port: number } => ({ host: '127.0.0.1', port: hub.port });

/** The error of a data connection that is not made. */
const refusedWith = (hub: HubBench, ticket: string): Promise<unknown> =>
  dialData(places(hub), ticket, AbortSignal.timeout(200_000)).then(
    () => 'let in',
    (error: unknown) => error,
  );

async function tunnelWith(
  hub: HubBench,
  keyFile: string,
  { ticket, user }: { ticket: string; user: string },
  target: { host: string; port: number },
): Promise<{ local: number; tunnel: ReturnType<typeof openTunnel> }> {
  const local = await freePort();
  const folder = hub.folder.file(`tunnel-${local}`);
  await mkdir(folder, { mode: 0o700 });
  const { publicKey } = await import('../../../src/hub/nodes/host-key.ts').then(({ builtinHostKey }) =>
    builtinHostKey(hub.places.hostKeyFile),
  );
  const tunnel = openTunnel({
    server: { ...places(hub), user, hostKeys: [publicKey] },
    keyFile,
    local: [{ listen: { host: '127.0.0.1', port: local }, connect: target }],
    remote: [],
    folder,
    dial: async (signal) => ({ socket: await dialData(places(hub), ticket, signal), user }),
  });
  return { local, tunnel };
}

describe('a data connection', { timeout: 300_000 }, () => {
  test('is refused without a ticket, with a wrong one, a second time, and one that is void', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const { ticket } = await ticketOf(hub, node);
    (await dialData(places(hub), ticket, AbortSignal.timeout(200_000))).destroy();
    const client = await hub.client(node.privateKey);
    const say = await sessionOf(client);
    const { ticket: before } = (await say({ data: 'ticket' })) as { ticket: string };
    const { ticket: ended } = (await say({ data: 'ticket' })) as { ticket: string };
    const end = until(() => node.record().connectedSince === null, 'the end of the node');
    for (const wrong of [ticket, before, 'A'.repeat(43)])
      expect(await refusedWith(hub, wrong)).toMatchObject({ code: 'ssh.unreachable' });
    client.end();
    await end;
    expect(await refusedWith(hub, ended)).toBeInstanceOf(SendenseError);
    for (const nonsense of ['SENDENSE-DATA \n', `SENDENSE-DATA ${'x'.repeat(200)}`, 'SENDENSE-DATA ../\n']) {
      const socket = connect(hub.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write(nonsense);
      expect((await buffer(socket).catch(() => Buffer.alloc(0))).toString()).toBe('');
    }
    expect(hub.refused).toEqual(Array.from({ length: 7 }, () => 'ticket'));
    expect(hub.log.filter(({ facts }) => facts['reason'] === 'ticket')).toHaveLength(7);
    expect(JSON.stringify(hub.log)).not.toContain(ticket);
  });

  test('reaches the disks of its own node alone, with the key of that node', async () => {
    await using hub = await hubBench();
    const [own, other] = [hub.enrol('site-b'), hub.enrol('site-c')];
    const port = await hub.echo('site-c');
    {
      const target = { host: nodeAddress(other.record().reversePort), port };
      const { local, tunnel } = await tunnelWith(hub, own.keyFile, await ticketOf(hub, own), target);
      await using _tunnel = tunnel;
      await tunnel.ready(AbortSignal.timeout(200_000));
      expect(await through(local)).toBe('');
      await until(() => tunnel.refusal()?.code === 'ssh.forward', 'the refusal');
      expect((await hub.logged(/refused: a connection to 127\.83\./)).facts).toMatchObject({ reason: 'target' });
      expect(hub.refused).toEqual(['target']);
    }
    for (const host of ['127.0.0.1', 'localhost']) {
      const target = { host, port: hub.places.api.port };
      const { local, tunnel } = await tunnelWith(hub, own.keyFile, await ticketOf(hub, own), target);
      await using _tunnel = tunnel;
      await tunnel.ready(AbortSignal.timeout(200_000));
      expect(await through(local)).toBe('');
    }
    const { tunnel } = await tunnelWith(hub, other.keyFile, await ticketOf(hub, own), { host: '127.0.0.1', port });
    await using _tunnel = tunnel;
    await expect(tunnel.ready(AbortSignal.timeout(200_000))).rejects.toMatchObject({ code: 'ssh.key' });
  });

  test('that says its word too slowly is cut, and who says nothing is greeted', async () => {
    await using hub = await hubBench({ ...gateLimits, loginMs: 2500 });
    const slow = connect(hub.port, '127.0.0.1');
    slow.on('error', () => {});
    slow.write('SENDENSE-DA');
    const silent = connect(hub.port, '127.0.0.1');
    const [greeting] = (await once(silent, 'data')) as [Buffer];
    expect(greeting.toString()).toMatch(/^SSH-2\.0-sendense/);
    silent.destroy();
    expect((await buffer(slow).catch(() => Buffer.alloc(0))).toString()).toBe('');
    expect(hub.refused).toContain('login-time');
  });
});
