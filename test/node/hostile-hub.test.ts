import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { parseNbdUri } from '../../src/host/nbd-uri.ts';
import { nodeClient, type NodeClient } from '../../src/host/node-client.ts';
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
      message: expect.stringContaining('belongs to this node itself') as string,
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
