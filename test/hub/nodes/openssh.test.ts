import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeKeyPair } from '../../../src/host/ssh/keys.ts';
import { nodeAddress } from '../../../src/state/nodes/node-address.ts';
import type { NodesOutput } from '../../../src/schemas/types.ts';
import { freePorts } from '../../support/free-ports.ts';
import { strangerAt } from '../../support/stranger.ts';
import { canMakeUsers, enrolRequest, modeOf, opensshBench, textOf, type OpensshBench } from './openssh-bench.ts';

const hello = JSON.stringify({ version: 1, node_version: '0.1.0', hostname: 'b', boot_id: 'x', time: Date.now() });

describe.skipIf(!canMakeUsers)('OpenSSH as the end of the hub', { timeout: 300_000 }, () => {
  let hub: OpensshBench;
  beforeAll(async () => {
    hub = await opensshBench();
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  const show = async (name: string): Promise<NodesOutput['nodes'][number] | undefined> =>
    (JSON.parse((await hub.run('node', 'show', name, '--json')).stdout) as NodesOutput).nodes[0];

  /** Logs in as a node that holds its session, with forwards; resolves when it is greeted. */
  const link = async (
    keyFile: string,
    options: readonly string[] = [],
  ): Promise<{ readonly child: ReturnType<OpensshBench['ssh']> }> => {
    const child = hub.ssh(keyFile, options, ['sendense-link']);
    child.stdin?.write(`${hello}\n`);
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
    expect(JSON.parse(line)).toMatchObject({ version: 1, name: expect.any(String) as string });
    // In an object, for it is thenable.
    return { child };
  };

  test('enrols a node with its token, once, and keeps a file that sshd takes', async () => {
    const { oneTimeKeyFile } = await hub.add('once');
    expect(modeOf(hub.authorizedKeys)).toBe(0o600);
    const enrol = async (): Promise<unknown> => {
      const child = hub.ssh(oneTimeKeyFile, [], ['sendense-enroll']);
      child.stdin?.end(`${enrolRequest(makeKeyPair('n').publicKey)}\n`);
      return JSON.parse((await child).stdout) as unknown;
    };
    expect(await enrol()).toMatchObject({ name: 'once', reverse_port: hub.reversePort });
    expect(await enrol()).toMatchObject({
      error: { code: 'enroll.token', message: expect.stringContaining('was used already') as string },
    });
    expect(textOf(hub.authorizedKeys)).toMatch(
      /^restrict,port-forwarding,.*permitlisten=.*node link once --key SHA256:\S+" ssh-ed25519 \S+ sendense-node:once$/m,
    );
    await hub.run('node', 'remove', 'once');
    expect(textOf(hub.authorizedKeys)).not.toContain('sendense-node:once');
  });

  test('does not enrol who logged in with a token before there was a newer one', async () => {
    const { oneTimeKeyFile } = await hub.add('held');
    const socket = hub.folder.file('held.sock');
    const held = hub.ssh(oneTimeKeyFile, ['-M', '-N', '-S', socket]);
    await expect.poll(() => existsSync(socket)).toBe(true);
    await hub.add('held', '--again');
    const child = hub.ssh(oneTimeKeyFile, ['-S', socket], ['sendense-enroll']);
    child.stdin?.end(`${enrolRequest(makeKeyPair('n').publicKey)}\n`);
    expect(JSON.parse((await child).stdout)).toMatchObject({
      error: { code: 'enroll.token', message: expect.stringContaining('newer enrolment token') as string },
    });
    expect(await show('held')).toMatchObject({ state: 'waiting', enrolled: null });
    held.kill();
    await held;
    await hub.run('node', 'remove', 'held');
  });

  test('writes no key file through a link', async () => {
    renameSync(hub.authorizedKeys, `${hub.authorizedKeys}.kept`);
    symlinkSync('/etc/hostname', hub.authorizedKeys);
    const { exitCode, stderr } = await hub.run('node', 'add', 'linked');
    renameSync(`${hub.authorizedKeys}.kept`, hub.authorizedKeys);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('is a link')]);
    expect((await hub.run('node', 'show', 'linked')).exitCode).not.toBe(0);
  });

  test('allows the forwards of the node and nothing else', async () => {
    const keyFile = await hub.enrol('site-b');
    const [local = 0] = await freePorts(3);
    const reverse = (await show('site-b'))?.reverse_port ?? 0;
    const [own, other] = [nodeAddress(reverse), nodeAddress(reverse + 1)];
    const servers = [own, other].map((address) =>
      createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(hub.nbdPort, address),
    );
    const { child } = await link(keyFile, [
      `-L127.0.0.1:${local}:${own}:${hub.nbdPort}`,
      `-L127.0.0.1:${local + 1}:127.0.0.1:22`,
      `-L127.0.0.1:${local + 2}:${other}:${hub.nbdPort}`,
      `-R127.0.0.1:${reverse}:${own}:${hub.nbdPort}`,
    ]);
    for (const port of [local, reverse]) {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      socket.end('through the tunnel');
      expect((await buffer(socket)).toString()).toBe('through the tunnel');
    }
    for (const forbidden of [local + 1, local + 2]) {
      const socket = connect(forbidden, '127.0.0.1');
      socket.write('hello');
      let heard = '';
      socket.on('data', (chunk) => (heard += String(chunk))).on('error', () => {});
      await new Promise((resolve) => socket.once('close', resolve));
      expect(heard).toBe('');
    }
    expect(await show('site-b')).toMatchObject({
      state: 'connected',
      peer: expect.stringContaining('127.0.0.1:') as string,
    });
    const elsewhere = await hub.ssh(keyFile, ['-N', '-R', `127.0.0.1:${hub.apiPort}:127.0.0.1:1`]);
    expect(elsewhere.exitCode).toBe(255);
    expect((await hub.ssh(keyFile, [], ['id'])).stdout).toContain('request.invalid');
    expect((await hub.ssh(keyFile, ['-tt'])).stdout).not.toContain('$');
    child.stdin?.end();
    await child;
    expect(await show('site-b')).toMatchObject({ state: 'disconnected' });
    for (const server of servers) server.close();
  });

  test('another user of the hub who takes the port of a node first hears no secret, and is named', async () => {
    const password = 'canary-password-0123456789';
    writeFileSync(hub.folder.file('password'), `${password}\n`, { mode: 0o600 });
    const { uid, gid } = statSync(hub.folder.path);
    chownSync(hub.folder.file('password'), uid, gid);
    appendFileSync(
      hub.folder.file('sendense.yaml'),
      `\nsources: { vc: { type: vsphere, host: '127.0.0.1:1', user: root, password: { secret: { file: ./password } }, thumbprint: '${Array(20).fill('AA').join(':')}' } }\n`,
    );
    const keyFile = await hub.enrol('squatted');
    const { reverse_port: port = 0 } = (await show('squatted')) ?? {};
    await using stranger = await strangerAt(port);
    const { child } = await link(keyFile);
    const { exitCode, stderr } = await hub.run('discover', 'vc', '--node', 'squatted');
    expect(stranger.connections()).toBeGreaterThan(0);
    expect(stranger.heard()).not.toMatch(/canary|token-0123456789|Bearer|HTTP/);
    expect([exitCode, stderr]).toEqual([12, expect.stringMatching(/node\.unproven[^]*No secret was sent/) as string]);
    child.stdin?.end();
    await child;
    // Each node has one of few ports.
    await hub.run('node', 'remove', 'squatted');
  });

  test('lets a second connection replace the first', async () => {
    const keyFile = await hub.enrol('twice');
    const { child: first } = await link(keyFile);
    const { child: second } = await link(keyFile);
    expect((await first).exitCode).toBe(255);
    expect(await show('twice')).toMatchObject({ state: 'connected' });
    second.stdin?.end();
    await second;
  });

  test('cuts a revoked node at once, with a session and without one, and leaves others connected', async () => {
    const [thief, other] = [await hub.enrol('thief'), await hub.enrol('other')];
    const { child: staying } = await link(other);
    const [local = 0] = await freePorts(1);
    const { child: holding } = await link(thief);
    const silent = hub.ssh(thief, ['-N', '-L', `127.0.0.1:${local}:127.0.0.1:${hub.nbdPort}`]);
    await expect
      .poll(
        () =>
          buffer(connect(local, '127.0.0.1')).then(
            () => true,
            () => false,
          ),
        { timeout: 300_000 },
      )
      .toBe(true);
    const result = await hub.run('node', 'revoke', 'thief');
    expect(result.stderr).toBe('');
    expect((await holding).exitCode).toBe(255);
    expect((await silent).exitCode).toBe(255);
    expect((await hub.ssh(thief, ['-N'])).stderr).toContain('Permission denied');
    expect(await show('other')).toMatchObject({ state: 'connected' });
    staying.stdin?.end();
    expect((await staying).exitCode).toBe(0);
  });

  test('is checked: what differs is named', async () => {
    expect((await hub.check()).differences).toEqual([]);
    const config = textOf(hub.sshdConfig);
    chmodSync(hub.authorizedKeys, 0o644);
    appendFileSync(hub.authorizedKeys, `${makeKeyPair('stranger').publicKey}\n`);
    writeFileSync(hub.sshdConfig, config.replace('AllowStreamLocalForwarding no', 'AllowStreamLocalForwarding yes'));
    const { differences } = await hub.check();
    expect(differences.map(({ about, message }) => `${about} ${message}`)).toEqual([
      expect.stringContaining('AllowStreamLocalForwarding is yes'),
      expect.stringContaining('a line that is not ours: stranger'),
      expect.stringContaining('has mode 644'),
    ]);
    writeFileSync(hub.sshdConfig, config);
    await hub.run('node', 'sshd-config', '--write');
    expect(textOf(hub.authorizedKeys)).toContain('stranger');
    expect(modeOf(hub.authorizedKeys)).toBe(0o600);
  });

  test(
    'is checked for an account with which sshd lets nobody in, and the remedies work',
    { timeout: 300_000 },
    async () => {
      const keyFile = await hub.enrol('locked');
      const user = hub.user;
      const greeted = async (): Promise<boolean> => {
        const child = hub.ssh(keyFile, [], ['sendense-link']);
        child.stdin?.end(`${hello}\n`);
        return (await child).stdout.includes('"name":"locked"');
      };
      const checked = async () => {
        const { differences } = await hub.checkAsRoot();
        return differences.filter(({ about }) => about === `user ${user}`);
      };
      expect(await greeted()).toBe(true);
      await execa('usermod', ['-p', '!', user]);
      expect(await greeted()).toBe(false);
      const [locked] = await checked();
      expect(locked).toMatchObject({
        about: `user ${user}`,
        message: expect.stringContaining('locked') as string,
        remedy: expect.stringContaining(`usermod -p '*' ${user}`) as string,
      });
      await execa('usermod', ['-p', '*', '-s', '/usr/sbin/nologin', user]);
      expect(await greeted()).toBe(false);
      expect(await checked()).toEqual([
        {
          about: `user ${user}`,
          message: expect.stringContaining('nologin') as string,
          remedy: `usermod -s /bin/sh ${user}`,
        },
      ]);
      await execa('usermod', ['-s', '/bin/sh', user]);
      expect([await greeted(), await checked()]).toEqual([true, []]);
      await hub.run('node', 'remove', 'locked');
    },
  );

  test('is checked for folders that sshd does not trust, as that sshd does not', { timeout: 300_000 }, async () => {
    await hub.run('node', 'remove', 'twice');
    const keyFile = await hub.enrol('strict');
    const state = hub.folder.file('state');
    const greeted = async (): Promise<boolean> => {
      const child = hub.ssh(keyFile, [], ['sendense-link']);
      child.stdin?.end(`${hello}\n`);
      return (await child).exitCode === 0;
    };
    const folders = async (): Promise<string[]> =>
      (await hub.check()).differences
        .filter(({ about }) => about === hub.folder.path || about === state)
        .map(({ about, message, remedy }) => `${about}: ${message}: ${remedy}`);
    const { uid, gid } = statSync(state);
    expect(await greeted()).toBe(true);
    const asItWas = statSync(state).mode & 0o777;
    // Where the hub has its temporary files: it could not make that itself in a folder of somebody else.
    const temporary = hub.folder.file(`sendense-${uid}`);
    mkdirSync(temporary, { recursive: true, mode: 0o700 });
    chownSync(temporary, uid, gid);
    chmodSync(state, 0o757);
    expect(await greeted()).toBe(false);
    chownSync(hub.folder.path, 65_534, gid);
    expect(await folders()).toEqual([
      expect.stringMatching(/state: has mode 757: everybody .* chmod go-w \/.*state$/),
      expect.stringMatching(/: belongs to user 65534: .*: chown sdt\S+ \//),
    ]);
    chmodSync(state, 0o755);
    expect(await greeted()).toBe(false);
    chownSync(hub.folder.path, uid, gid);
    // Group of others: Debian's sshd looks who is in it.
    chownSync(state, uid, 65_534);
    chmodSync(state, 0o775);
    expect([await greeted(), await folders()]).toEqual([
      false,
      [expect.stringMatching(/has mode 775: group 65534 can write .*: chmod g-w /)],
    ]);
    chmodSync(state, asItWas);
    expect(await greeted()).toBe(true);
  });
});
