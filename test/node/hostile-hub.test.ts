import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer, isIP } from 'node:net';
import { expect, test } from 'vitest';
import { parseNbdUri } from '../../src/host/nbd/nbd-uri.ts';
import { nodeClient, type NodeClient } from '../../src/host/node-api/node-client.ts';
import { allowedAddress, type HostRule } from '../../src/node/limits/allowed-hosts.ts';
import { allowedTargets } from '../../src/node/limits/allowed-targets.ts';
import { hostRule } from '../../src/node/routes/host-rule.ts';
import { startNode } from '../../src/node/start-node.ts';
import { httpNode } from './http-node.ts';
import { fullRequest, imageDisk, imageSpec, testNode, token, workshop } from './support.ts';

const withTarget = (api: NodeClient, uri: string): Promise<unknown> =>
  api.startBackup(fullRequest('hostile', imageSpec('/none.raw'), [uri]));

test('who has the token of the node does not make it write to other places than those of its hub', async () => {
  await using at = await workshop();
  await using node = await httpNode(at);
  const api = nodeClient({ url: node.running.url, token });
  await mkdir(at.path('private'), { mode: 0o700 });
  await using listening = createServer().listen(at.path('private/s'));
  for (const uri of [
    'nbd://192.0.2.9:10809/disk',
    'nbd://hub.invalid:10809/disk',
    'nbd+unix:///disk?socket=/run/docker.sock',
    `nbd+unix:///disk?socket=${at.path('private/s')}`,
    'nbd+unix://127.0.0.1/disk?socket=/run/docker.sock',
    'nbd://127.0.0.1:1/disk?tls-psk-file=/etc/shadow',
    'nbd://127.0.0.1:1/disk?',
    'nbd://user@127.0.0.1:1/disk',
    'nbds://sendense@127.0.0.1:1/disk?tls-psk-file=/etc/shadow',
    'nbds://127.0.0.1:1/disk',
    'nbds://sendense@192.0.2.9:10809/disk',
    'nbds://sendense@[2001:db8::9]:10809/disk',
    'nbds://sendense@0.0.0.0:10809/disk',
    'nbds://sendense@127.0.0.1.invalid:10809/disk',
  ])
    await expect(withTarget(api, uri), uri).rejects.toMatchObject({
      code: 'request.invalid',
      message: expect.stringContaining('nbd_targets') as string,
    });
  expect(await api.health()).toMatchObject({ status: 'ok' });
  expect(listening.listening).toBe(true);
});

test('over a Unix socket, where the caller is the same user, a target is a private socket of that user', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  await mkdir(at.path('open'), { mode: 0o755 });
  await writeFile(at.path('open/file'), 'no socket');
  await using _listening = createServer().listen(at.path('open/s'));
  for (const socket of ['/run/docker.sock', at.path('open/file'), at.path('open/s'), at.path('none/s'), 'relative'])
    await expect(withTarget(node.api, `nbd+unix:///disk?socket=${socket}`), socket).rejects.toMatchObject({
      code: 'request.invalid',
    });
  await expect(withTarget(node.api, 'nbd://192.0.2.9:1/disk')).rejects.toMatchObject({ code: 'request.invalid' });
});

const rule = (peer: string | null, ...known: string[]): HostRule => ({ peer, known: async () => known });

const names: Readonly<Record<string, readonly string[]>> = {
  'hub.example.com': ['192.0.2.10', '2001:db8::10'],
  'also.example.com': ['198.51.100.1', '192.0.2.10'],
  'elsewhere.example.com': ['192.0.2.66', '2001:db8::66'],
  'mixed.example.com': ['192.0.2.66', '127.0.0.1'],
};
const resolve = async (host: string): Promise<readonly string[]> => (isIP(host) === 0 ? (names[host] ?? []) : [host]);

test.each<[host: string, by: HostRule, address: string | null]>([
  ['127.9.9.9', rule('192.0.2.1'), '127.9.9.9'],
  ['::1', rule(null), '::1'],
  ['::ffff:7f00:1', rule(null), '::ffff:7f00:1'],
  ['192.0.2.10', rule('192.0.2.10'), '192.0.2.10'],
  ['192.0.2.10', rule('::ffff:192.0.2.10'), '192.0.2.10'],
  ['2001:db8:0::10', rule('2001:db8::10'), '2001:db8:0::10'],
  ['hub.example.com', rule('2001:db8::10'), '2001:db8::10'],
  ['192.0.2.10', rule('127.0.0.1', 'hub.example.com'), '192.0.2.10'],
  ['HUB.example.com.', rule('127.0.0.1', '192.0.2.10'), null],
  ['hub.example.com', rule('127.0.0.1', 'HUB.example.com.'), '192.0.2.10'],
  ['also.example.com', rule('127.0.0.1', 'hub.example.com'), '192.0.2.10'],
  // Of several addresses, only one that is allowed is connected to.
  ['mixed.example.com', rule('192.0.2.1'), '127.0.0.1'],
  ['192.0.2.66', rule('192.0.2.10', 'hub.example.com'), null],
  ['elsewhere.example.com', rule('192.0.2.10', 'hub.example.com', 'gone.example.com'), null],
  ['gone.example.com', rule('192.0.2.10', 'gone.example.com'), null],
  ['192.0.2.10', rule('gone'), null],
  ['0.0.0.0', rule('127.0.0.1'), null],
  ['::', rule('127.0.0.1'), null],
  ['::ffff:c000:20a', rule('127.0.0.1'), null],
])('%s as the host of a disk, by %o, is %s', async (host, by, address) => {
  const allowed = await allowedAddress(host, by, resolve);
  if (address !== null) return expect(allowed).toEqual({ address });
  expect(allowed).toEqual({ problem: expect.stringContaining(host) as string, remedy: expect.any(String) as string });
});

test('the client is told the address that was looked at, and not the name', async () => {
  expect(await allowedTargets('2000:nbds://sendense@localhost:10100/a%20b,1:nbd://[::1]:1/x', rule(null))).toBe(
    '2000:nbds://sendense@127.0.0.1:10100/a%20b,1:nbd://[::1]:1/x',
  );
  await expect(allowedTargets('0:nbds://k@192.0.2.9:1/x', rule('192.0.2.1'))).rejects.toMatchObject({
    message: expect.stringContaining(
      '192.0.2.9 is not a loopback address, nor the one that asks (192.0.2.1)',
    ) as string,
    remedy: expect.stringContaining("nbd: { hosts: ['192.0.2.9'] }") as string,
  });
});

test.each([
  [0o700, true],
  [0o710, false],
  [0o750, false],
  [0o701, false],
  [0o770, false],
])('a Unix socket in a folder of mode %o is a target: %s', async (mode, allowed) => {
  await using at = await workshop();
  const folder = at.path('sockets');
  await mkdir(folder);
  await chmod(folder, mode);
  const target = `0:nbd+unix:///x?socket=${folder}/a.sock`;
  const looked = allowedTargets(target, rule(null));
  if (allowed) expect(await looked).toBe(target);
  else
    await expect(looked).rejects.toMatchObject({
      message: expect.stringContaining('that it alone can open') as string,
    });
});

test('a disk goes to a host that node.yaml names, and the same rule counts for the question about the way', async () => {
  await using at = await workshop();
  const listen = { host: '127.0.0.1', port: 0 };
  await using node = await startNode({
    listen,
    stateDir: at.path('state'),
    token,
    nbdHosts: ['192.0.2.9'],
    metrics: false,
  });
  const api = nodeClient({ url: node.url, token });
  expect(await withTarget(api, 'nbds://sendense@192.0.2.9:1/x')).toMatchObject({ status: 'starting' });
  expect(await api.remove('hostile')).toBe(true);
  const connect = { host: '192.0.2.77', port: 1, word: '0123456789abcdef' };
  expect(await api.testDataPath({ connect })).toEqual({
    held: [],
    problem: expect.stringContaining("nbd: { hosts: ['192.0.2.77'] }") as string,
  });
});

test('a caller that has gone in the meantime does not become one of the same user', () => {
  const gone = { peer: undefined, parts: { address: () => '127.0.0.1:1' } } as Parameters<typeof hostRule>[0];
  expect(hostRule(gone).peer).not.toBeNull();
});

test('no file of the node itself is a disk: its token, its jobs, and what links to them', async () => {
  await using at = await workshop();
  const tokenFile = at.path('elsewhere');
  await writeFile(tokenFile, 'x'.repeat(512));
  const listen = { host: '127.0.0.1', port: 0 };
  await using node = await startNode({ listen, stateDir: at.path('state'), token, tokenFile, metrics: false });
  const api = nodeClient({ url: node.url, token });
  await writeFile(at.path('state/token'), 'x'.repeat(512));
  await symlink(at.path('state/token'), at.path('innocent.raw'));
  await symlink(at.path('state'), at.path('folder'));
  const paths = ['state/token', 'innocent.raw', 'folder/token', 'state/../state/token', 'elsewhere', 'state'];
  for (const path of paths.map((name) => at.path(name))) {
    const refusal = {
      code: 'request.invalid',
      message: expect.stringContaining('is a file of this node itself') as string,
    };
    const spec = imageSpec(imageDisk(path, { format: 'raw' }));
    await expect(api.discover({ vm_name: 'x', source: spec }), path).rejects.toMatchObject(refusal);
    await expect(api.startBackup(fullRequest('j', spec, ['nbd://127.0.0.1:1/x'])), path).rejects.toMatchObject(refusal);
    const changes = imageSpec(imageDisk('/none.raw', { changes: path }));
    await expect(api.discover({ vm_name: 'x', source: changes }), path).rejects.toMatchObject(refusal);
  }
});

test.each([
  'nbd://h/x?tls-psk-file=/etc/shadow',
  'nbd://h/x#y',
  'nbd://h/x?',
  'nbd://u@h/x',
  'nbd+unix:///x?socket=/s&tls-psk-file=/etc/shadow',
  'nbd+unix:///x?socket=/s&socket=/t',
  'nbd+unix://h/x?socket=/s',
  'nbds://u@h/x?tls-psk-file=/etc/shadow',
  'nbds://u:p@h/x',
  'nbds+unix:///x?socket=/s',
])('%s is no address of ours', (uri) => expect(parseNbdUri(uri)).toBeNull());
