import { connect } from 'node:net';
import type { Client, ClientChannel, ParsedKey } from 'ssh2';
import { ssh2 } from '../../../src/host/ssh/ssh2.ts';
import { describe, expect, test } from 'vitest';
import { makeKeyPair } from '../../../src/host/ssh/keys.ts';
import { gateLimits } from '../../../src/hub/ssh-server/gate.ts';
import { removeNode, revokeNode } from '../../../src/state/nodes/nodes.ts';
import { hubBench, until } from './hub-bench.ts';
import { closed } from '../../support/closed.ts';

describe('a login', () => {
  test('is refused for an unknown key, and logged with its fingerprint', async () => {
    await using hub = await hubBench();
    hub.enrol('site-b');
    const { privateKey } = makeKeyPair('stranger');
    const result = await hub.ssh(hub.keyFile(privateKey), ['-N']);
    expect(result).toMatchObject({
      exitCode: 255,
      stderr: expect.stringContaining('Permission denied (publickey)') as string,
    });
    const line = await hub.logged(/login refused: unknown key/);
    expect(line.facts).toMatchObject({
      reason: 'unknown-key',
      key: expect.stringMatching(/^SHA256:/) as string,
      node: null,
    });
    expect(hub.refused).toContain('unknown-key');
  });

  test('is refused for a revoked key, and the log names the node', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    revokeNode(hub.state, 'site-b');
    expect((await hub.ssh(node.keyFile, ['-N'])).exitCode).toBe(255);
    expect((await hub.logged(/revoked key/)).facts).toMatchObject({ node: 'site-b', reason: 'revoked-key' });
  });

  test('is refused with a password, for another user, and with a weak key', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    await expect(hub.client('', { password: 'secret', privateKey: undefined } as never)).rejects.toThrow();
    await expect(hub.client(node.privateKey, { username: 'root' })).rejects.toThrow(/authentication/);
    const weak = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 });
    await expect(hub.client(weak.private)).rejects.toThrow(/authentication/);
    expect(hub.refused).toEqual(['method', 'user', 'unknown-key']);
  });

  test('with the signature of another key is refused', async () => {
    await using hub = await hubBench();
    const [node, thief] = [hub.enrol('site-b'), makeKeyPair('thief')];
    const own = ssh2.utils.parseKey(node.privateKey) as ParsedKey;
    const other = ssh2.utils.parseKey(thief.privateKey) as ParsedKey;
    /** Shows the node's public key, and signs with another. */
    class Forger extends ssh2.BaseAgent {
      override getIdentities(found: (error: undefined, keys: ParsedKey[]) => void): void {
        found(undefined, [ssh2.utils.parseKey(own.getPublicSSH()) as ParsedKey]);
      }
      override sign(_key: never, data: Buffer, options: unknown, done?: unknown): void {
        const callback = (done ?? options) as (error: undefined, signature: Buffer) => void;
        callback(undefined, other.sign(data) as unknown as Buffer);
      }
    }
    await expect(hub.client('', { privateKey: undefined, agent: new Forger() } as never)).rejects.toThrow();
    expect(hub.refused).toEqual(['signature']);
  });

  test('of one who is silent is ended after a while, before and after the first line', async () => {
    await using hub = await hubBench({ ...gateLimits, loginMs: 300 });
    const silent = connect(hub.port, '127.0.0.1');
    const halfway = connect(hub.port, '127.0.0.1', () => halfway.write('SSH-2.0-slow\r\n'));
    for (const socket of [silent, halfway]) socket.on('error', () => {}).resume();
    await Promise.all([closed(silent), closed(halfway)]);
    expect(hub.refused).toEqual(['login-time', 'login-time']);
  });

  test('is still possible for a node while others hold all places', async () => {
    await using hub = await hubBench({ ...gateLimits, pending: 5, pendingPerAddress: 5 });
    const node = hub.enrol('site-b');
    const silent = Array.from({ length: 12 }, () => connect(hub.port, '127.0.0.1'));
    for (const socket of silent) socket.on('error', () => {}).resume();
    await until(() => hub.refused.filter((reason) => reason === 'overload').length >= 7, 'those too many to be ended');
    await hub.client(node.privateKey);
    for (const socket of silent) socket.destroy();
  });

  test('from an address that failed too often is let in with a right key, and a stranger is soon not even heard', async () => {
    await using hub = await hubBench({ ...gateLimits, failures: 3, onProbation: 3 });
    const node = hub.enrol('site-b');
    const { privateKey } = makeKeyPair('stranger');
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(hub.client(privateKey)).rejects.toThrow();
      await until(() => hub.refused.length > attempt, 'the refusal to be counted');
    }
    (await hub.client(node.privateKey)).end();
    while (!hub.refused.includes('rate')) await expect(hub.client(privateKey)).rejects.toThrow();
    expect(hub.refused.length).toBeLessThan(10);
    await expect(hub.client(node.privateKey)).rejects.toThrow();
  });

  test('survives what is no SSH at all', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    for (const bytes of ['GET / HTTP/1.1\r\n\r\n', `SSH-2.0-x\r\n${'\0'.repeat(70_000)}`, 'A'.repeat(100_000)]) {
      const socket = connect(hub.port, '127.0.0.1', () => socket.end(bytes));
      socket.on('error', () => {}).resume();
      await closed(socket);
    }
    await hub.client(node.privateKey);
  });
});

describe('a connection', () => {
  test('replaces the one before of the same node', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const first = await hub.client(node.privateKey);
    const ended = closed(first);
    const forward = (client: Client): Promise<void> =>
      new Promise((resolve, reject) =>
        client.forwardIn('127.0.0.1', node.record().reversePort, (error) => (error ? reject(error) : resolve())),
      );
    await forward(first);
    const before = node.record().connection;
    const second = await hub.client(node.privateKey);
    await forward(second);
    await ended;
    expect(node.record().connection).not.toBe(before);
    expect(node.record().connectedSince).not.toBeNull();
    await hub.logged(/replaced by a newer connection/);
  });

  test.for([
    ['revoked', revokeNode],
    ['removed', removeNode],
  ] as const)('is cut, with what it carries, when its node is %s by another process', async ([word, end]) => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    const port = await hub.echo('site-b');
    const client = await hub.client(node.privateKey);
    const channel = await new Promise<ClientChannel>((resolve, reject) =>
      client.forwardOut('127.0.0.1', 1, '127.0.0.1', port, (error, made) => (error ? reject(error) : resolve(made))),
    );
    channel.resume();
    end(hub.state, 'site-b');
    await Promise.all([closed(client), closed(channel)]);
    await hub.logged(new RegExp(`connection cut: ${word}`));
    await expect(hub.client(node.privateKey)).rejects.toThrow();
  });

  test('has no shell, no terminal, no files, and no other command than its own', async () => {
    await using hub = await hubBench();
    const node = hub.enrol('site-b');
    for (const command of [['id'], ['sendense-enroll'], ['sendense-link;id'], ['sendense-link', '']])
      expect((await hub.ssh(node.keyFile, [], command)).exitCode).toBe(255);
    expect((await hub.ssh(node.keyFile, [])).stderr).toContain('shell request failed');
    expect((await hub.ssh(node.keyFile, ['-s'], ['sftp'])).exitCode).toBe(255);
    expect(hub.refused.filter((reason) => reason === 'command').length).toBeGreaterThanOrEqual(3);
    expect(hub.refused.filter((reason) => reason === 'session').length).toBeGreaterThanOrEqual(2);
  });
});
