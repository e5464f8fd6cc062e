import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeKeyPair } from '../../../src/host/ssh/keys.ts';
import { makeEnrolmentToken } from '../../../src/hub/nodes/enrolment-token.ts';
import { linkFolder, readEnrolment, requireEnrolment } from '../../../src/node/link/enrolment-files.ts';
import { parseEnrollToken } from '../../../src/node/link/enroll-token.ts';
import { openNodeToken } from '../../../src/state/nodes/node-tokens.ts';
import { requireNode } from '../../../src/state/nodes/nodes.ts';
import { freePort } from '../../support/free-ports.ts';
import { startSshd } from '../../support/sshd.ts';
import { apiToken, nodeBench, type NodeBench } from './node-bench.ts';

const filesOf = async ({ stateDir }: NodeBench): Promise<string[]> =>
  (await readdir(linkFolder(stateDir)).catch(() => [])).sort();

test('a token makes the node known: own key, pinned host key, ports, and the hub has the token of the API', async () => {
  await using at = await nodeBench();
  const enrolment = await at.enroll('site-b');
  const node = requireNode(at.hub.state, 'site-b');
  expect(enrolment).toMatchObject({
    name: 'site-b',
    hub: { host: '127.0.0.1', port: at.hub.port, user: 'sendense' },
    reverse_port: node.reversePort,
    nbd_ports: at.hub.places.nbdPorts,
    hub_api_port: at.hub.places.api.port,
  });
  expect(await requireEnrolment(at.stateDir)).toEqual(enrolment);
  expect(node.publicKey).toBe(enrolment.public_key);
  expect(openNodeToken(at.hub.state, node.id)).toBe(apiToken);
  const key = join(linkFolder(at.stateDir), enrolment.key_file);
  for (const file of [key, join(linkFolder(at.stateDir), 'hub.json')])
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(linkFolder(at.stateDir))).mode & 0o777).toBe(0o700);
  await at.hub.client(await readFile(key, 'utf8'));
});

test('an enrolment that is there stays, unless it is said otherwise, and then the old key is gone', async () => {
  await using at = await nodeBench();
  const first = await at.enroll('site-b');
  await expect(at.enroll('site-c')).rejects.toMatchObject({
    code: 'link.exists',
    message: expect.stringContaining('site-b') as string,
  });
  expect(await requireEnrolment(at.stateDir)).toEqual(first);
  const second = await at.enroll('site-d', { force: true });
  expect(second.key_file).not.toBe(first.key_file);
  expect(await filesOf(at)).toEqual(['hub.json', second.key_file, `${second.key_file}.pub`].sort());
});

test('a token that was used, has expired or is not of this hub is refused, and nothing is left of the attempt', async () => {
  await using at = await nodeBench();
  const { token } = at.hub.token('site-b');
  const first = await at.enroll('site-b', { token });
  await expect(
    at.enroll('site-b', { token: at.hub.token('old', Date.now() - 1).token, force: true }),
  ).rejects.toMatchObject({
    code: 'enroll.token',
  });
  const foreign = makeEnrolmentToken({
    name: 'x',
    hostKey: parseEnrollToken(token).host_key,
    user: 'sendense',
    expires: Date.now() - 1,
  });
  await expect(at.enroll('x', { token: foreign.token, force: true })).rejects.toMatchObject({
    code: 'enroll.token',
    message: expect.stringContaining('does not accept the token') as string,
  });
  expect(await requireEnrolment(at.stateDir)).toEqual(first);
  await using other = await nodeBench();
  await expect(other.enroll('site-b', { token, port: at.hub.port })).rejects.toMatchObject({
    code: 'enroll.token',
    message: expect.stringContaining('used already') as string,
  });
  expect(await filesOf(other)).toEqual([]);
});

test('another host key than the one in the token ends it before anything is said', async () => {
  await using at = await nodeBench();
  await using other = await nodeBench();
  await expect(at.enroll('site-b', { port: other.hub.port })).rejects.toMatchObject({ code: 'ssh.host-key' });
  expect(await filesOf(at)).toEqual([]);
  expect(requireNode(at.hub.state, 'site-b')).toMatchObject({ used: null, publicKey: null });
});

test('a hub that cannot be reached, and one that is none', async () => {
  await using at = await nodeBench();
  await expect(at.enroll('a', { port: await freePort() })).rejects.toMatchObject({ code: 'ssh.unreachable' });
  const web = createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1');
  await once(web, 'listening');
  try {
    await expect(at.enroll('b', { port: (web.address() as { port: number }).port })).rejects.toMatchObject({
      code: 'ssh.unreachable',
      message: expect.stringContaining('is not an SSH server') as string,
    });
  } finally {
    web.close();
  }
  expect(await filesOf(at)).toEqual([]);
});

test('an answer that is lost: the same command again finds what the hub has made of the first', async () => {
  await using at = await nodeBench();
  const { token } = at.hub.token('site-b');
  const { host_key: hostKey } = parseEnrollToken(token);
  // A proxy that cuts the line as soon as the hub has enrolled the node.
  await using proxy = await cuttingProxy(at.hub.port, () => requireNode(at.hub.state, 'site-b').used !== null);
  await expect(at.enroll('site-b', { token, port: proxy.port })).rejects.toMatchObject({
    code: 'ssh.lost',
    remedy: expect.stringContaining('same command again') as string,
  });
  expect(await readEnrolment(at.stateDir)).toBeNull();
  const enrolment = await at.enroll('site-b', { token });
  expect(enrolment).toMatchObject({ name: 'site-b', hub: { port: at.hub.port, host_key: hostKey } });
  expect(requireNode(at.hub.state, 'site-b').publicKey).toBe(enrolment.public_key);
});

test('a hub that answers nonsense, on the real sshd', async () => {
  await using at = await nodeBench();
  let answers = 0;
  for (const [answer, why] of [
    ['echo hello', 'no JSON'],
    ['echo {}', 'answer of'],
    ['true', 'no JSON'],
    [`echo '{"error":{"code":"node.revoked","message":"canary","remedy":"none","position":null}}'`, 'canary'],
  ]) {
    await using sshd = await startSshd(at.hub.folder.file(`sshd-${answers++}`), {
      config: [`ForceCommand ${answer}`],
    });
    const seeded = makeEnrolmentToken({
      name: 'x',
      hostKey: sshd.server.hostKeys[0] ?? '',
      user: sshd.server.user,
      expires: Date.now() + 60_000,
    });
    await writeFile(join(sshd.keyFile, '../authorized'), `${seeded.publicKey}\n`);
    await expect(at.enroll('x', { token: seeded.token, port: sshd.server.port }), answer).rejects.toMatchObject({
      code: why === 'canary' ? 'node.revoked' : 'link.protocol',
      message: expect.stringContaining(why ?? '') as string,
    });
  }
  expect(await readEnrolment(at.stateDir)).toBeNull();
});

test.each([
  ['', 'empty'],
  ['hello', 'does not begin'],
  ['sendense1.', 'characters'],
  ['sendense1.####', 'characters'],
  ['sendense1.AAAA', 'missing or wrong'],
  [`sendense1.${Buffer.from('{}').toString('base64url')}`, 'another version'],
])('%j is no token', (text, why) => {
  expect(() => parseEnrollToken(text)).toThrow(
    expect.objectContaining({ code: 'enroll.token', message: expect.stringContaining(why) as string }) as Error,
  );
});

test('what is wrong with a token does not repeat it', () => {
  const { token } = makeEnrolmentToken({
    name: 'x',
    hostKey: makeKeyPair('x').publicKey,
    user: 'sendense',
    expires: 1,
  });
  const cut = token.slice(0, -30);
  expect(() => parseEnrollToken(cut)).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining(cut.slice(20, 60)) as string }) as Error,
  );
});

async function cuttingProxy(to: number, cut: () => boolean): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => {}).on('close', () => (near.destroy(), far.destroy()));
    near.pipe(far);
    far.on('data', (data: Buffer) => (cut() ? near.destroy() : near.write(data)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
