import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { makeKeyPair } from '../../../src/host/ssh/keys.ts';
import { validatorOf } from '../../../src/schemas/validator.ts';
import { openNodeToken } from '../../../src/state/nodes/node-tokens.ts';
import { renewNodeToken, requireNode } from '../../../src/state/nodes/nodes.ts';
import { hubBench, until, type HubBench } from './hub-bench.ts';

const request = (more: object = {}): string =>
  JSON.stringify({
    version: 1,
    public_key: makeKeyPair('site-b').publicKey,
    api_token: 'token-0123456789-abcdef',
    hostname: 'site-b.example.com',
    node_version: '0.1.0',
    ...more,
  });

async function enrol(hub: HubBench, keyFile: string, text: string): Promise<Record<string, unknown>> {
  const child = hub.ssh(keyFile, [], ['sendense-enroll']);
  child.stdin?.end(`${text}\n`);
  const { stdout } = await child;
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('enrolment', () => {
  test('makes the key, the API token and the ports known to each other, in one step', async () => {
    await using hub = await hubBench();
    const { keyFile } = hub.token('site-b');
    const pair = makeKeyPair('site-b');
    const answer = await enrol(hub, keyFile, request({ public_key: pair.publicKey }));
    expect(answer).toMatchObject({
      version: 1,
      name: 'site-b',
      reverse_port: hub.places.nodePorts.from,
      nbd_ports: hub.places.nbdPorts,
      hub_api_port: hub.places.api.port,
    });
    expect(validatorOf('link/enroll-answer.json')(answer)).toBe(true);
    const node = requireNode(hub.state, 'site-b');
    expect(node).toMatchObject({ hostname: 'site-b.example.com', version: '0.1.0' });
    expect(openNodeToken(hub.state, node.id)).toBe('token-0123456789-abcdef');
    await hub.client(pair.privateKey);
  });

  test('is refused a second time, and says so', async () => {
    await using hub = await hubBench();
    const { keyFile } = hub.token('site-b');
    await enrol(hub, keyFile, request());
    const before = requireNode(hub.state, 'site-b');
    expect(await enrol(hub, keyFile, request())).toMatchObject({
      error: { code: 'enroll.token', message: expect.stringContaining('was used already') as string },
    });
    expect(requireNode(hub.state, 'site-b').publicKey).toBe(before.publicKey);
    expect(hub.refused).toEqual(['token']);
  });

  test('is refused to an expired token and to one that a newer one has replaced', async () => {
    await using hub = await hubBench();
    const expired = hub.token('site-b', Date.now() - 1);
    expect(await enrol(hub, expired.keyFile, request())).toMatchObject({
      error: { code: 'enroll.token', message: expect.stringContaining('expired') as string },
    });
    const old = hub.token('site-c');
    renewNodeToken(hub.state, 'site-c', makeKeyPair('').publicKey.trim(), Date.now() + 60_000);
    expect((await hub.ssh(old.keyFile, [], ['sendense-enroll'])).exitCode).toBe(255);
  });

  test.for([
    ['no JSON', 'x'],
    ['a field that is missing', request({ api_token: undefined })],
    ['a field too many', request({ admin: true })],
    ['a short API token', request({ api_token: 'short' })],
    ['something that is no key', request({ public_key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5' })],
    ['a line of 100 kB', request({ hostname: 'x'.repeat(100_000) })],
  ])('is refused for %s, and the token stays good', async ([, text = '']) => {
    await using hub = await hubBench();
    const { keyFile } = hub.token('site-b');
    expect(await enrol(hub, keyFile, text)).toMatchObject({ error: { code: 'request.invalid' } });
    expect(requireNode(hub.state, 'site-b')).toMatchObject({ publicKey: null, used: null });
    expect(await enrol(hub, keyFile, request())).toMatchObject({ name: 'site-b' });
  });

  test('takes no key of another node, nor that of a token', async () => {
    await using hub = await hubBench();
    const other = hub.enrol('site-c');
    const { keyFile } = hub.token('site-b');
    for (const key of [other.publicKey, requireNode(hub.state, 'site-b').oneTimeKey])
      expect(await enrol(hub, keyFile, request({ public_key: key }))).toMatchObject({
        error: { code: 'request.invalid' },
      });
  });

  test('is all that a token allows', async () => {
    await using hub = await hubBench();
    const { keyFile, privateKey } = hub.token('site-b');
    const port = await hub.echo('site-b');
    const forward = await hub.ssh(keyFile, ['-W', `127.0.0.1:${port}`]);
    expect(forward.stderr).toMatch(/open failed|forwarding failed/);
    expect((await hub.ssh(keyFile, ['-N', '-R', `127.0.0.1:${hub.places.nodePorts.from}:127.0.0.1:1`])).exitCode).toBe(
      255,
    );
    expect((await hub.ssh(keyFile, [], ['sendense-link'])).exitCode).toBe(255);
    await hub.client(privateKey);
    expect(hub.refused).toEqual(['target', 'listen', 'command']);
  });
});

describe('the session of a node', () => {
  const hello = JSON.stringify({
    version: 1,
    node_version: '0.2.0',
    hostname: 'b2.example.com',
    boot_id: 'boot',
    time: Date.now(),
  });

  test('is greeted, and answers pings until it ends', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const child = hub.ssh(node.keyFile, [], ['sendense-link']);
    child.stdin?.write(`${hello}\n{"ping":5}\n`);
    child.stdin?.end('{"ping":6}\n');
    const { stdout, exitCode } = await child;
    const lines = stdout.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(validatorOf('link/welcome.json')(lines[0])).toBe(true);
    expect(lines.slice(1)).toMatchObject([{ pong: 5 }, { pong: 6 }]);
    expect(exitCode).toBe(0);
    expect(node.record()).toMatchObject({ hostname: 'b2.example.com', version: '0.2.0' });
  });

  test('ends with an error for what is no hello', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const child = hub.ssh(node.keyFile, [], ['sendense-link']);
    child.stdin?.end('hello\n');
    const { stdout, exitCode } = await child;
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'request.invalid' } });
    expect(exitCode).toBe(1);
  });

  test('says in the log when the clocks differ', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const child = hub.ssh(node.keyFile, [], ['sendense-link']);
    child.stdin?.end(`${hello.replace(/"time":[0-9]+/, '"time":1700000000000')}\n`);
    await child;
    await hub.logged(/the clock of the node differs by -/);
  });

  test('ends when the ssh of the node is killed, and the node counts as gone', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const child = hub.ssh(node.keyFile, [], ['sendense-link']);
    child.stdin?.write(`${hello}\n`);
    await until(() => node.record().connectedSince, 'the node to be connected');
    child.kill('SIGKILL');
    await until(() => node.record().connectedSince === null, 'the node to be gone');
    expect(node.record().lastSeen).not.toBeNull();
  });
});

test('the host key is made once and is what ssh-keyscan sees', async () => {
  await using hub = await hubBench();
  const { stdout } = await execa('ssh-keyscan', ['-p', String(hub.port), '-t', 'ed25519', '127.0.0.1']);
  const { stdout: own } = await execa('ssh-keygen', ['-y', '-f', hub.places.hostKeyFile]);
  expect(stdout).toContain(own.split(' ').slice(0, 2).join(' '));
});
