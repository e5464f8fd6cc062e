import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Client, ClientChannel } from 'ssh2';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hubProgram, type HubProgram } from './hub-program.ts';

const patience = { timeout: 200_000, interval: 20 };

/** An open channel, or null where it was refused. */
const channelTo = (client: Client, port: number): Promise<ClientChannel | null> =>
  new Promise((resolve) => {
    client.forwardOut('127.0.0.1', 1, '127.0.0.1', port, (error, channel) => resolve(error ? null : channel));
  });

describe('while a node floods the hub, its administrator is answered', { timeout: 300_000 }, () => {
  let hub: HubProgram;
  beforeAll(async () => {
    hub = await hubProgram();
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  /** Asks until `ended`, and at least twice. */
  const answersUntil = async (ended: () => boolean): Promise<(number | string)[]> => {
    const answers: (number | string)[] = [];
    while (answers.length < 2 || !ended()) {
      answers.push(await hub.ask(answers.length % 2 === 0 ? '/api/v1/health' : '/api/v1/nodes'));
      if (answers.at(-1) !== 200) break;
    }
    return answers;
  };

  /** A node that floods with what `say` makes, as fast as it goes, until it is cut off. */
  const flood = async (name: string, say: (channel: ClientChannel, client: Client, turn: number) => void) => {
    const client = await hub.client(hub.enrol(name));
    const channel = await hub.session(client);
    let cut = false;
    client.on('error', () => {}).on('close', () => (cut = true));
    channel.on('close', () => (cut = true));
    const goOn = (turn: number): void => {
      if (cut) return;
      say(channel, client, turn);
      setImmediate(goOn, turn + 1);
    };
    goOn(0);
    const answers = await answersUntil(() => cut);
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(cut).toBe(true);
  };

  test.each([
    ['another way of the disks', ['{"data":"sshd"}\n', '{"data":"builtin"}\n']],
    ['pings', ['{"ping":1}\n']],
    ['questions for tickets', ['{"data":"ticket","slot":0}\n']],
  ])('lines: %s', async (what, lines) => {
    await flood(`lines-${what.replaceAll(' ', '-')}`, (channel) => channel.write(lines.join('').repeat(500)));
    await vi.waitUntil(() => hub.said().includes('more than 600 lines in a minute'), patience);
  });

  test('messages of SSH that carry nothing', async () => {
    const client = await hub.client(hub.enrol('messages'));
    let cut = false;
    client.on('error', () => {}).on('close', () => (cut = true));
    const { _protocol: protocol } = client as unknown as { _protocol: { ping(): void } };
    const goOn = (turn: number): void => {
      if (cut || turn > 300) return;
      for (let count = 0; count < 200; count++) protocol.ping();
      setImmediate(goOn, turn + 1);
    };
    goOn(0);
    const answers = [];
    for (let count = 0; count < 5; count++) answers.push(await hub.ask());
    expect(new Set(answers)).toEqual(new Set([200]));
    client.destroy();
  });
});

test('neither a node nor anybody without the token uses up the API', { timeout: 300_000 }, async () => {
  await using hub = await hubProgram();
  const client = await hub.client(hub.enrol('site-b'));
  client.on('error', () => {});
  const channels = await Promise.all(Array.from({ length: 700 }, () => channelTo(client, hub.apiPort)));
  expect(channels.filter((channel) => channel !== null)).toHaveLength(8);
  expect(await hub.ask()).toBe(200);
  const sockets: Socket[] = [];
  for (let count = 0; count < 700; count++) {
    const socket = connect(hub.apiPort, '127.0.0.2');
    socket.on('error', () => {});
    sockets.push(socket);
    await once(socket, 'connect');
    if (count % 3 === 0) socket.write('GET /metrics HTTP/1.1\r\nx: y');
  }
  expect(await hub.ask()).toBe(200);
  expect(await hub.ask('/metrics', 10_000)).toBe(200);
  for (const socket of sockets) socket.destroy();
});
