import type { Client } from 'ssh2';
import { expect, test } from 'vitest';
import { hubBench, until } from './hub-bench.ts';
import { openDatabase } from '../../../src/state/database/sqlite.ts';

const opened = (client: Client, host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => client.forwardOut('127.0.0.1', 1, host, port, (error) => resolve(!error)));

test('who opens many channels at once gets as many as who opens them one by one', async () => {
  await using hub = await hubBench();
  const node = hub.enrol('site-b');
  const port = await hub.echo('site-b');
  const client = await hub.client(node.privateKey);
  const results = await Promise.all(Array.from({ length: 1100 }, () => opened(client, '127.0.0.1', port)));
  expect(results.filter(Boolean)).toHaveLength(1024);
  expect(hub.refused.filter((reason) => reason === 'overload')).toHaveLength(76);
});

test('many refusals are counted, and logged for the first few', async () => {
  await using hub = await hubBench();
  const node = hub.enrol('site-b');
  const client = await hub.client(node.privateKey);
  await Promise.all(Array.from({ length: 200 }, () => opened(client, '192.0.2.1', 22)));
  expect(hub.refused).toHaveLength(200);
  const warnings = hub.log.filter(({ level }) => level === 'warn').map(({ message }) => message);
  expect(warnings).toHaveLength(31);
  expect(warnings.at(-1)).toMatch(/the hub counts more of the same origin, and does not log/);
});

test('who asks for the same port many times at once gets one listener', async () => {
  await using hub = await hubBench();
  const node = hub.enrol('site-b');
  const client = await hub.client(node.privateKey);
  const { reversePort } = node.record();
  const results = await Promise.all(
    Array.from(
      { length: 20 },
      () => new Promise<boolean>((resolve) => client.forwardIn('127.0.0.1', reversePort, (error) => resolve(!error))),
    ),
  );
  expect(results.filter(Boolean)).toHaveLength(1);
  expect(hub.refused).toEqual(Array<string>(19).fill('listen'));
});

test('a token that leaked holds few connections', async () => {
  await using hub = await hubBench();
  const { privateKey } = hub.token('site-b');
  const clients = await Promise.all(Array.from({ length: 20 }, () => hub.client(privateKey)));
  const ended = Promise.withResolvers<void>();
  const more = hub.client(privateKey).then(
    (client) => client.on('close', () => ended.resolve()).on('error', () => {}),
    () => ended.resolve(),
  );
  await ended.promise;
  await more;
  expect(hub.refused).toEqual(['overload']);
  for (const client of clients) client.destroy();
});

test(
  'a database that another process keeps locked ends no connection, and lets nobody in',
  { timeout: 300_000 },
  async () => {
    await using hub = await hubBench();
    const [node, other] = [hub.enrol('site-b'), hub.enrol('site-c')];
    const port = await hub.echo('site-b');
    const client = await hub.client(node.privateKey);
    await hub.logged(/^connected/);
    const locker = openDatabase(hub.state.path);
    locker.exec('BEGIN IMMEDIATE');
    await hub.logged(/who is connected cannot be entered: .*locked/);
    const refused = await hub.client(other.privateKey);
    refused.on('error', () => {});
    await hub.logged(/login refused: .*locked/);
    expect(await opened(client, '127.0.0.1', port)).toBe(true);
    client.destroy();
    await hub.logged(/that it is disconnected cannot be entered/);
    locker.exec('ROLLBACK');
    locker.close();
    await hub.logged(/can be written again/);
    await until(() => node.record().connectedSince === null, 'the end of the connection in the database');
    await hub.client(other.privateKey);
    await until(() => other.record().connectedSince !== null, 'the other node');
  },
);
