import { execa } from 'execa';
import { once } from 'node:events';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import { isPortFree } from '../../../src/host/net/port-probe.ts';
import { stopServersIn } from '../../../src/host/programs/stop-servers-in.ts';
import { fingerprintOf, makeKeyPair } from '../../../src/host/ssh/keys.ts';
import { processesNaming } from '../../support/processes.ts';
import { freePort, freePorts } from '../../support/free-ports.ts';
import { startSshd } from '../../support/sshd.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { exchange, forward, loopback, server, tunnelTo, type WatchedTunnel } from './tunnel-workshop.ts';
import { closed } from '../../support/closed.ts';
import { randomBytes } from '../../support/random.ts';
import { testProgram } from '../../programs.ts';

const patience = { timeout: 200_000, interval: 20 };

describe.each(['openssh', 'ssh2'] as const)('a tunnel through %s', (program) => {
  test('forwards both ways, TCP and Unix sockets, and each direction ends by itself', async () => {
    await using folder = await temporaryFolder();
    await using sshd = await startSshd(folder.file('sshd'));
    const [near = 0, far = 0, echo = 0, late = 0, nearLate = 0] = await freePorts(5);
    await using _echo = await server(echo);
    // Answers when the other side has ended: what a half-closed connection is for.
    await using _late = await server(late, async (socket) => {
      const heard = await buffer(socket);
      socket.end(Buffer.concat([heard, heard]));
    });
    const socket = folder.file('socket');
    {
      await using tunnel = tunnelTo(sshd, folder.path, {
        program,
        local: [forward(near, echo), forward(nearLate, late), { listen: { socket }, connect: loopback(echo) }],
        remote: [forward(far, late)],
        hello: () => '{"hello":1}',
      });
      await tunnel.ready();
      expect(tunnel.state()).toMatchObject({ state: 'up', program });
      expect(tunnel.lines).toEqual(['{"hello":1}']);
      const data = randomBytes(5_000_000);
      expect((await exchange({ port: near }, data)).equals(data)).toBe(true);
      expect((await exchange({ path: socket }, data)).equals(data)).toBe(true);
      for (const port of [nearLate, far])
        expect((await exchange({ port }, data)).equals(Buffer.concat([data, data]))).toBe(true);
      const many = await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const own = randomBytes(100_000 + index);
          return (await exchange({ port: near }, own)).equals(own);
        }),
      );
      expect(many).not.toContain(false);
    }
    expect(await Promise.all([isPortFree(near), isPortFree(nearLate)])).toEqual([true, true]);
    await vi.waitUntil(() => isPortFree(far), patience);
    expect(processesNaming(folder.path).filter((argv) => !argv.includes('/sshd'))).toEqual([]);
    expect(await readdir(folder.path)).not.toContain('socket');
  });

  test('carries 101 forwards, all in use at once', { timeout: 300_000 }, async () => {
    await using folder = await temporaryFolder();
    await using sshd = await startSshd(folder.file('sshd'));
    const [echo = 0, ...near] = await freePorts(102);
    await using _echo = await server(echo);
    await using tunnel = tunnelTo(sshd, folder.path, { program, local: near.map((port) => forward(port, echo)) });
    await tunnel.ready();
    const same = await Promise.all(
      near.map(async (port) => {
        const data = randomBytes(1_000_000);
        return (await exchange({ port }, data)).equals(data);
      }),
    );
    expect(same).toHaveLength(101);
    expect(same).not.toContain(false);
  });

  test('another host key, a refused key, a key that others can read: final, and it says what is wrong', async () => {
    await using folder = await temporaryFolder();
    await using sshd = await startSshd(folder.file('sshd'));
    const other = makeKeyPair('other');
    const hostKeys = [other.publicKey];
    await using wrongHost = tunnelTo(sshd, folder.path, { program, server: { ...sshd.server, hostKeys } });
    await expect(wrongHost.ready()).rejects.toMatchObject({ code: 'ssh.host-key' });
    const message = await wrongHost.ready().then(String, (error: Error) => error.message);
    for (const key of [other.publicKey, sshd.server.hostKeys[0]!]) expect(message).toContain(fingerprintOf(key));
    const rsa = folder.file('rsa');
    await execa('ssh-keygen', ['-q', '-t', 'rsa', '-b', '3072', '-N', '', '-f', rsa]);
    const otherType = { ...sshd.server, hostKeys: [await readFile(`${rsa}.pub`, 'utf8')] };
    await using wrongType = tunnelTo(sshd, folder.path, { program, server: otherType });
    await expect(wrongType.ready()).rejects.toMatchObject({ code: 'ssh.host-key' });
    await using unusable = tunnelTo(sshd, folder.path, { program, server: { ...sshd.server, hostKeys: ['x'] } });
    await expect(unusable.ready()).rejects.toMatchObject({ code: 'ssh.host-key' });

    const keyFile = folder.file('stranger');
    await writeFile(keyFile, other.privateKey, { mode: 0o600 });
    await using stranger = tunnelTo(sshd, folder.path, { program, keyFile });
    await expect(stranger.ready()).rejects.toMatchObject({
      code: 'ssh.key',
      message: expect.stringContaining('refused the key') as string,
    });
    expect(stranger.state()).toMatchObject({ state: 'down' });
    await chmod(keyFile, 0o644);
    await using open = tunnelTo(sshd, folder.path, { program, keyFile });
    await expect(open.ready()).rejects.toMatchObject({
      code: 'ssh.key',
      message: expect.stringContaining('0644') as string,
    });
    await using none = tunnelTo(sshd, folder.path, { program, keyFile: folder.file('none') });
    await expect(none.ready()).rejects.toMatchObject({ code: 'ssh.key' });
    await writeFile(folder.file('broken'), 'no key', { mode: 0o600 });
    await using broken = tunnelTo(sshd, folder.path, { program, keyFile: folder.file('broken') });
    await expect(broken.ready()).rejects.toMatchObject({ code: 'ssh.key' });
  });

  test('a forward that is not allowed, a port that is taken on either side: named', async () => {
    await using folder = await temporaryFolder();
    const [allowed = 0, taken = 0, near = 0, echo = 0, nearOther = 0] = await freePorts(5);
    await using sshd = await startSshd(folder.file('sshd'), {
      keyOptions: `restrict,port-forwarding,permitopen="127.0.0.1:${echo}",permitlisten="127.0.0.1:${allowed}",permitlisten="127.0.0.1:${taken}"`,
    });
    await using _echo = await server(echo);
    await using _taken = await server(taken);
    for (const port of [near, taken]) {
      await using refused = tunnelTo(sshd, folder.path, { program, remote: [forward(port, echo)] });
      await expect(refused.ready()).rejects.toMatchObject({
        code: 'ssh.forward',
        message: expect.stringContaining(`port ${port}`) as string,
      });
    }
    await using busy = tunnelTo(sshd, folder.path, { program, local: [forward(taken, echo)] });
    await expect(busy.ready()).rejects.toMatchObject({
      code: 'ssh.forward',
      message: expect.stringContaining(`port ${taken} of this host: node (process ${process.pid}) holds it`) as string,
    });
    await using tunnel = tunnelTo(sshd, folder.path, {
      program,
      local: [forward(near, echo), forward(nearOther, taken)],
      remote: [forward(allowed, echo)],
    });
    await tunnel.ready();
    expect(await exchange({ port: near }, Buffer.from('a'))).toEqual(Buffer.from('a'));
    expect(tunnel.refusal()).toBeNull();
    expect(await exchange({ port: nearOther }, Buffer.from('a')).catch(() => Buffer.alloc(0))).toHaveLength(0);
    await vi.waitUntil(() => tunnel.refusal() !== null, patience);
    expect(tunnel.refusal()).toMatchObject({
      code: 'ssh.forward',
      message: expect.stringContaining('not allow') as string,
    });
  });

  test('nothing there, no such name, a server that speaks no SSH, a command that ends: each has its error', async () => {
    await using folder = await temporaryFolder();
    await using sshd = await startSshd(folder.file('sshd'));
    const [nothing = 0, web = 0] = await freePorts(2);
    await using _web = await server(web, (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const { server: known } = sshd;
    const failure = async (changed: object): Promise<Error> => {
      await using tunnel = tunnelTo(sshd, folder.path, { program, ...changed });
      await vi.waitUntil(() => tunnel.state().state === 'down', patience);
      return tunnel.ready(AbortSignal.abort()).then(
        () => new Error('it is up'),
        (error: Error) => error,
      );
    };
    const [refused, name, http, ended] = await Promise.all([
      failure({ server: { ...known, port: nothing } }),
      failure({ server: { ...known, host: 'nowhere.invalid' } }),
      failure({ server: { ...known, port: web } }),
      failure({ command: 'echo not-today >&2; exit 7' }),
    ]);
    expect(refused).toMatchObject({
      code: 'ssh.unreachable',
      message: expect.stringMatching(/refused|ECONNREFUSED/i) as string,
    });
    expect(name).toMatchObject({
      code: 'ssh.unreachable',
      message: expect.stringContaining('name is not known') as string,
    });
    expect(http).toMatchObject({ code: 'ssh.unreachable' });
    expect(ended).toMatchObject({ code: 'ssh.lost', message: expect.stringContaining('not-today') as string });
  });

  test('comes back after the server was away, with the same forwards', async () => {
    await using folder = await temporaryFolder();
    await using sshd = await startSshd(folder.file('sshd'));
    const [near = 0, far = 0, echo = 0] = await freePorts(3);
    await using _echo = await server(echo);
    await using tunnel = tunnelTo(sshd, folder.path, {
      program,
      local: [forward(near, echo)],
      remote: [forward(far, echo)],
    });
    await tunnel.ready();
    const socket = connect(near, '127.0.0.1');
    await once(socket, 'connect');
    const broken = closed(socket);
    socket.on('error', () => {});
    await sshd.stop();
    await broken;
    await vi.waitUntil(() => tunnel.state().state === 'down', patience);
    await sshd.start();
    await vi.waitUntil(() => tunnel.state().state === 'up', patience);
    for (const port of [near, far]) expect(await exchange({ port }, Buffer.from('b'))).toEqual(Buffer.from('b'));
    expect(tunnel.states.filter(({ state }) => state === 'up')).toHaveLength(2);
    expect(tunnel.states.find(({ state }) => state === 'down')).toMatchObject({
      error: { code: expect.stringMatching(/^ssh\.(lost|unreachable)$/) as string },
    });
  });

  test('ends with its parent, however that ends, also while connections are open', async () => {
    await using folder = await temporaryFolder();
    await using sshd = await startSshd(folder.file('sshd'));
    const [near = 0, echo = 0] = await freePorts(2);
    await using _echo = await server(echo);
    const order = {
      server: sshd.server,
      keyFile: sshd.keyFile,
      folder: folder.file('tunnel'),
      command: 'cat',
      local: [forward(near, echo)],
      remote: [],
      program,
    };
    const child = execa('node', [testProgram('host/ssh/tunnel-child'), JSON.stringify(order)], { reject: false });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    expect(line.toString()).toContain('up');
    const socket = connect(near, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    expect(processesNaming(folder.file('tunnel')).length).toBeGreaterThan(0);
    const end = closed(socket);
    child.kill('SIGKILL');
    await child;
    await end;
    await vi.waitUntil(async () => isPortFree(near), patience);
    await vi.waitUntil(() => processesNaming(folder.file('tunnel')).length === 0, patience);
  });

  test('the key is in no command line, and nothing of the user’s ssh_config counts', async () => {
    await using folder = await temporaryFolder();
    await using sshd = await startSshd(folder.file('sshd'));
    const near = await freePort();
    await using tunnel = tunnelTo(sshd, folder.path, { program, local: [forward(near, near)] });
    await tunnel.ready();
    const secret = (await readFile(sshd.keyFile, 'utf8')).split('\n')[1]!;
    const running = processesNaming(folder.path).join('\n');
    expect(running).not.toContain(secret);
    expect(running).not.toMatch(/StrictHostKeyChecking=(no|accept-new|ask)/);
  });
});

test('a tunnel that is closed while it connects leaves nothing', async () => {
  await using folder = await temporaryFolder();
  await using sshd = await startSshd(folder.file('sshd'));
  for (const program of ['openssh', 'ssh2'] as const) {
    const tunnel = tunnelTo(sshd, folder.path, { program });
    const ready = tunnel.ready();
    ready.catch(() => {});
    await tunnel[Symbol.asyncDispose]();
    await expect(ready).rejects.toMatchObject({ code: 'ssh.lost' });
  }
  expect(processesNaming(folder.file('tunnel'))).toEqual([]);
});

test('notices a peer that is silent although the connection stands', { timeout: 300_000 }, async () => {
  await using folder = await temporaryFolder();
  await using sshd = await startSshd(folder.file('sshd'));
  const [first = 0, second = 0, echo = 0] = await freePorts(3);
  await using openssh = tunnelTo(sshd, folder.path, { program: 'openssh', local: [forward(first, echo)] });
  await using ssh2 = tunnelTo(sshd, folder.path, { program: 'ssh2', local: [forward(second, echo)] });
  const tunnels = [openssh, ssh2];
  await Promise.all(tunnels.map((tunnel) => tunnel.ready()));
  const stopped = sshd.sessions();
  expect(stopped.length).toBeGreaterThan(1);
  for (const pid of stopped) process.kill(pid, 'SIGSTOP');
  try {
    // The server itself still answers, so that each is up again soon.
    const noticed = (tunnel: WatchedTunnel): boolean => tunnel.states.some(({ state }) => state === 'down');
    await vi.waitUntil(() => tunnels.every(noticed), { timeout: 200_000, interval: 50 });
  } finally {
    for (const pid of stopped) process.kill(pid, 'SIGCONT');
  }
  await vi.waitUntil(() => tunnels.every((tunnel) => tunnel.state().state === 'up'), patience);
});

test('what is left of a tunnel is found by its folder, and stopped', async () => {
  await using folder = await temporaryFolder();
  await using sshd = await startSshd(folder.file('sshd'));
  for (const program of ['openssh', 'ssh2'] as const) {
    await using tunnel = tunnelTo(sshd, folder.path, { program });
    await tunnel.ready();
    expect(await stopServersIn(folder.file('tunnel', 'other'))).toBe(0);
    expect(await stopServersIn(folder.file('tunnel'))).toBe(1);
    await vi.waitUntil(() => tunnel.state().state !== 'up', patience);
  }
});
