import type { Client, ClientChannel } from 'ssh2';
import { expect, test } from 'vitest';
import { describeNodes } from '../../../src/hub/nodes/describe-nodes.ts';
import { makeStyle } from '../../../src/view/style.ts';
import { nodesReport } from '../../../src/view/reports/nodes-report.ts';
import { otherMachine } from '../../../src/state/nodes/node-machines.ts';
import { hubBench, until, type HubBench } from './hub-bench.ts';

interface Machine {
  readonly client: Client;
  readonly answer: { readonly name?: string; readonly error?: { readonly code: string } };
  readonly isClosed: () => boolean;
}

/** A machine with that key connects and says hello. */
async function comes(hub: HubBench, privateKey: string, bootId: string): Promise<Machine> {
  const client = await hub.client(privateKey);
  let closed = false;
  client.on('error', () => {}).on('close', () => (closed = true));
  const channel = await new Promise<ClientChannel>((resolve, reject) =>
    client.exec('sendense-link', (error, opened) => (error ? reject(error) : resolve(opened))),
  );
  const hello = { version: 1, node_version: '0.1.0', hostname: `host-${bootId}`, boot_id: bootId, time: Date.now() };
  const line = new Promise<string>((resolve) => channel.once('data', (data: Buffer) => resolve(data.toString())));
  channel.on('error', () => {}).write(`${JSON.stringify(hello)}\n`);
  return { client, answer: JSON.parse(await line) as Machine['answer'], isClosed: () => closed };
}

test('of two machines with one key the second is refused and told, and the first goes on', async () => {
  await using hub = await hubBench();
  const node = hub.enrol('site-b');
  const first = await comes(hub, node.privateKey, 'a');
  expect(first.answer.name).toBe('site-b');
  // As a restart of the machine looks, too.
  const second = await comes(hub, node.privateKey, 'b');
  expect(second.answer.name).toBe('site-b');
  await until(first.isClosed, 'the end of the first');
  const again = await comes(hub, node.privateKey, 'a');
  expect(again.answer.name).toBe('site-b');
  await hub.logged(/two machines have the key of node site-b; host-b .* came second/);
  expect(otherMachine(node.record())).toMatchObject({ bootId: 'b', hostname: 'host-b' });
  const { connection } = node.record();
  for (let round = 0; round < 2; round++) {
    const refused = await comes(hub, node.privateKey, 'b');
    expect(refused.answer.error?.code).toBe('node.cloned');
    await until(refused.isClosed, 'the end of the other');
  }
  expect([again.isClosed(), node.record().connection]).toEqual([false, connection]);
  expect(describeNodes(hub.state, [node.record()]).nodes[0]?.other_machine).toMatchObject({ hostname: 'host-b' });
  // The right one comes again, at once or a moment later.
  const back = await comes(hub, node.privateKey, 'a');
  expect(back.answer.error?.code).toBe('ssh.lost');
  await until(again.isClosed, 'room');
  expect((await comes(hub, node.privateKey, 'a')).answer.name).toBe('site-b');
  expect(hub.refused.filter((reason) => reason === 'cloned')).toHaveLength(2);
});

test('a machine that restarts is no other machine', async () => {
  await using hub = await hubBench();
  const node = hub.enrol('site-b');
  for (const boot of ['a', 'b', 'c', 'c', 'd'])
    expect((await comes(hub, node.privateKey, boot)).answer.name).toBe('site-b');
  expect(otherMachine(node.record())).toBeNull();
});

test('a node of another version is told of, on both sides it links all the same', async () => {
  await using hub = await hubBench();
  const node = hub.enrol('site-b');
  expect((await comes(hub, node.privateKey, 'a')).answer.name).toBe('site-b');
  expect(hub.log.filter(({ message }) => message.includes('do not belong together'))).toEqual([]);
  const shown = (): string =>
    nodesReport(describeNodes(hub.state, [node.record()]), {
      style: makeStyle({ colour: false, unicode: false }),
      columns: 200,
    }).join('\n');
  expect(describeNodes(hub.state, [node.record()]).nodes[0]?.version_misfit).toBeNull();
  expect(shown()).not.toContain('upgrade');
  const client = await hub.client(node.privateKey);
  const channel = await new Promise<ClientChannel>((resolve, reject) =>
    client.exec('sendense-link', (error, opened) => (error ? reject(error) : resolve(opened))),
  );
  const hello = { version: 1, node_version: '9.7.3', hostname: 'b', boot_id: 'a', time: Date.now() };
  channel.write(`${JSON.stringify(hello)}\n`);
  await hub.logged(/hub .* and node 9\.7\.3 do not belong together: upgrade the hub/);
  expect(shown()).toMatch(/^site-b: hub .* and node 9\.7\.3 do not belong together: upgrade the hub$/m);
});
