import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Client, ClientChannel } from 'ssh2';
import { describe, expect, test } from 'vitest';
import { nodeSocket } from '../../../src/hub/nodes/node-sockets.ts';
import { releasePorts } from '../../../src/state/runs/port-leases.ts';
import { nodeAddress } from '../../../src/state/nodes/node-address.ts';
import { isPortFree } from '../../../src/host/net/port-probe.ts';
import { hubBench, until } from './hub-bench.ts';
import { freePorts } from '../../support/free-ports.ts';

const forwardOut = (client: Client, host: string, port: number): Promise<ClientChannel> =>
  new Promise((resolve, reject) =>
    client.forwardOut('127.0.0.1', 1, host, port, (error, channel) => (error ? reject(error) : resolve(channel))),
  );

const forwardIn = (client: Client, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) =>
    client.forwardIn(host, port, (error, chosen) => (error ? reject(error) : resolve(chosen))),
  );

describe('an enrolled node', () => {
  test('reaches, with the ssh of the system, a port that is leased to a run of its own, and the hub reaches its API', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const port = await hub.echo('site-b');
    const [local = 0] = await freePorts(2);
    const api = createServer((socket) => socket.end('hello from the node'));
    api.listen(local + 1, '127.0.0.1');
    await once(api, 'listening');
    const { reversePort } = node.record();
    const child = hub.ssh(node.keyFile, [
      '-N',
      '-L',
      `127.0.0.1:${local}:127.0.0.1:${port}`,
      '-R',
      `127.0.0.1:${reversePort}:127.0.0.1:${local + 1}`,
    ]);
    await hub.logged(/the node's API answers/);
    const socket = connect({ port: local, host: '127.0.0.1', allowHalfOpen: true });
    const text = Buffer.alloc(3_000_000, 'sendense');
    socket.end(text);
    expect((await buffer(socket)).equals(text)).toBe(true);
    expect((await buffer(connect(nodeSocket(hub.state.path, reversePort)))).toString()).toBe('hello from the node');
    expect(hub.bytes.get('site-b from_node')).toBeGreaterThanOrEqual(text.length);
    expect(hub.bytes.get('site-b to_node')).toBeGreaterThanOrEqual(text.length);
    expect(node.record()).toMatchObject({
      connectedSince: expect.any(Number) as number,
      peer: expect.stringContaining('127.0.0.1:') as string,
    });
    child.kill();
    await child;
    await until(() => node.record().connectedSince === null, 'the end of the connection');
    expect(await isPortFree(reversePort)).toBe(true);
    await expect.poll(() => existsSync(nodeSocket(hub.state.path, reversePort))).toBe(false);
    api.close();
  });

  test('is refused every other target', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const neighbour = nodeAddress(hub.enrol('site-c').record().reversePort);
    const [other, nobodys, ours] = [await hub.echo('site-c'), await hub.echo(null), await hub.echo('site-b')];
    const client = await hub.client(node.privateKey);
    const targets: [string, number][] = [
      ['127.0.0.1', 22],
      ['127.0.0.1', hub.port],
      ['127.0.0.1', hub.places.nbdPorts.to + 1],
      ['127.0.0.1', node.record().reversePort],
      ['127.0.0.1', other],
      ['127.0.0.1', nobodys],
      ['localhost', other],
      [neighbour, other],
      [neighbour, ours],
      ['127.83.0.1', ours],
      [nodeAddress(node.record().reversePort), hub.places.api.port],
      ['127.0.0.2', hub.places.api.port],
      ['0.0.0.0', hub.places.api.port],
      ['::1', hub.places.api.port],
      ['192.0.2.1', 80],
      ['example.com', 80],
      ['', hub.places.api.port],
    ];
    for (const [host, port] of targets) await expect(forwardOut(client, host, port)).rejects.toThrow(/open failure/);
    expect(hub.refused.filter((reason) => reason === 'target')).toHaveLength(targets.length - 3);
    expect(hub.refused.filter((reason) => reason === 'port-not-open')).toHaveLength(3);
    expect(hub.log.filter(({ message }) => message.startsWith('refused: a connection to'))).toHaveLength(
      targets.length,
    );
  });

  test('loses a port with its lease', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const port = await hub.echo('site-b');
    const client = await hub.client(node.privateKey);
    (await forwardOut(client, '127.0.0.1', port)).close();
    releasePorts(hub.state, 'run-1');
    await expect(forwardOut(client, '127.0.0.1', port)).rejects.toThrow(/open failure/);
  });

  test('may let the hub listen on its own reverse port alone', async () => {
    await using hub = await hubBench();
    const [node, other] = [hub.enrol('site-b'), hub.enrol('site-c')];
    const client = await hub.client(node.privateKey);
    const { reversePort } = node.record();
    const refused: [string, number][] = [
      ['127.0.0.1', other.record().reversePort],
      ['127.0.0.1', 0],
      ['0.0.0.0', reversePort],
      ['', reversePort],
      ['::1', reversePort],
      ['127.0.0.1', hub.places.api.port],
      ['127.0.0.1', hub.places.nbdPorts.from],
    ];
    for (const [host, port] of refused) await expect(forwardIn(client, host, port)).rejects.toThrow(/Unable to bind/);
    await expect(forwardIn(client, '127.0.0.1', reversePort)).resolves.toBeDefined();
    expect(hub.refused).toEqual(refused.map(() => 'listen'));
  });

  test('gets no Unix sockets, in neither direction', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const client = await hub.client(node.privateKey, { strictVendor: false });
    await expect(
      new Promise((resolve, reject) =>
        client.openssh_forwardOutStreamLocal('/run/dbus/system_bus_socket', (error, channel) =>
          error ? reject(error) : resolve(channel),
        ),
      ),
    ).rejects.toThrow(/open failure/);
    await expect(
      new Promise<void>((resolve, reject) =>
        client.openssh_forwardInStreamLocal(hub.folder.file('sock'), (error) => (error ? reject(error) : resolve())),
      ),
    ).rejects.toThrow(/Unable to bind/);
    expect(hub.refused).toEqual(['socket', 'socket']);
  });

  test('hears of data that comes after its own half is closed, and a big stream arrives whole', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const port = await hub.echo('site-b');
    const client = await hub.client(node.privateKey);
    const channel = await forwardOut(client, '127.0.0.1', port);
    const text = Buffer.alloc(20_000_000, 'sendense');
    channel.end(text);
    expect((await buffer(channel)).equals(text)).toBe(true);
  });

  test('gets all that was sent before the end, also where it reads late', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const port = await hub.echo('site-b');
    const client = await hub.client(node.privateKey);
    const channel = await forwardOut(client, '127.0.0.1', port);
    // More than ssh2 lets the hub send at once: the rest waits for room when both halves of the connection have ended.
    const text = Buffer.alloc(3 * 1024 * 1024 + 300_000, 'sendense');
    channel.end(text);
    await until(() => hub.bytes.get('site-b to_node') === text.length, 'the whole text at the hub');
    (await forwardOut(client, '127.0.0.1', port)).close();
    expect((await buffer(channel)).equals(text)).toBe(true);
  });

  test('finds a port that nothing serves closed, and stays connected', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const client = await hub.client(node.privateKey);
    await expect(forwardOut(client, '127.0.0.1', hub.places.api.port)).rejects.toThrow(/open failure/);
    await hub.logged(/nothing answers on port/);
    const port = await hub.echo('site-b');
    (await forwardOut(client, '127.0.0.1', port)).close();
  });
});
