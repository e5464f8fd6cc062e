import { execFileSync } from 'node:child_process';
import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { nodeClient } from '../../src/host/node-api/node-client.ts';
import { startNode } from '../../src/node/start-node.ts';
import { tokenFrom } from '../../src/node/token.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { raw } from './raw-request.ts';
import { fullRequest, imageDisk, imageSpec, makeRaw, MiB, sha256Of, testNode, token, workshop } from './support.ts';

const isError = validatorOf('api/error.json');

test('health tells version, tools and running jobs', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const health = await node.api.health();
  expect(health).toMatchObject({ status: 'ok', jobs_running: 0 });
  expect(health.tools.map((tool) => tool.name)).toEqual(['qemu-img', 'qemu-nbd', 'nbdkit', 'nbdcopy']);
});

test('only the token opens anything', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  for (const authorization of ['', 'Bearer', 'Bearer wrong', `Bearer ${token}x`, token, `Basic ${token}`]) {
    for (const path of ['/api/v1/health', '/api/v1/jobs', '/nothing']) {
      const { status, body } = await raw(node, 'GET', path, '', { authorization });
      expect(status).toBe(401);
      expect(body.error.code).toBe('node.refused');
    }
  }
  await expect(nodeClient({ url: node.running.url, token: 'wrong' }).health()).rejects.toMatchObject({
    code: 'node.refused',
  });
});

test('what is malformed is answered with 4xx, one shape and the field', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const good = fullRequest('j', imageSpec('/disk.raw'), ['nbd://127.0.0.1:10100/x']);
  const start = '/api/v1/backup/start';
  const withDisk = (disk: object): string =>
    JSON.stringify({ ...good, source: { type: 'image', disks: [{ ...imageDisk('/a'), ...disk }] } });
  const cases: [method: string, path: string, body: string, status: number, field: string | null][] = [
    ['POST', start, '{', 400, null],
    ['POST', start, '', 400, null],
    ['POST', start, '[]', 400, ''],
    ['POST', start, JSON.stringify({ ...good, job_id: '../../etc' }), 400, '/job_id'],
    ['POST', start, JSON.stringify({ ...good, job_id: undefined }), 400, '/job_id'],
    ['POST', start, JSON.stringify({ ...good, surprise: 1 }), 400, '/surprise'],
    ['POST', start, JSON.stringify({ ...good, nbd_targets: '0:http://x' }), 400, '/nbd_targets'],
    ['POST', start, withDisk({ path: 'relative.raw' }), 400, '/source/disks/0/path'],
    ['POST', start, withDisk({ format: 'vdi' }), 400, '/source/disks/0/format'],
    ['POST', start, withDisk({ changes: 'c.json' }), 400, '/source/disks/0/changes'],
    [
      'POST',
      '/api/v1/discover',
      JSON.stringify({ vm_name: 'x', source: imageSpec('relative') }),
      400,
      '/source/disks/0/path',
    ],
    [
      'POST',
      '/api/v1/discover',
      JSON.stringify({ vm_name: 'x', source: imageSpec('/none.raw') }),
      422,
      '/source/disks/0/path',
    ],
    ['POST', '/api/v1/discover', JSON.stringify({ vm_name: 'x', source: { type: 'vsphere' } }), 400, '/source/name'],
    ['POST', start, 'x'.repeat(2 * MiB), 413, null],
    ['GET', '/api/v1/status/none', '', 404, null],
    ['GET', '/api/v1/status/..%2f..%2fetc', '', 400, 'job'],
    ['GET', '/api/v1/jobs/none/log', '', 404, null],
    ['GET', '/api/v1/jobs/none/indexes/0', '', 404, null],
    ['GET', '/api/v1/jobs/none/indexes/..%2fjob.json', '', 400, 'key'],
    ['POST', '/api/v1/jobs/none/cancel', '{}', 404, null],
    ['DELETE', '/api/v1/jobs/none', '', 404, null],
    ['GET', '/api/v2/health', '', 404, null],
  ];
  for (const [method, path, body, status, field] of cases) {
    const answer = await raw(node, method, path, body);
    expect(answer.status, `${method} ${path} ${body.slice(0, 200)}`).toBe(status);
    expect(isError(answer.body)).toBe(true);
    expect(answer.body.field, `${method} ${path} ${body.slice(0, 200)}`).toBe(field);
  }
  for (const type of ['application/xml', 'text/plain', 'text/plain; charset=utf-8'])
    expect((await raw(node, 'POST', start, 'a=b', { 'content-type': type })).status).toBe(415);
  expect(await readdir(`${node.stateDir}/jobs`)).toEqual([]);
  await node.api.remove('none');
});

test('an answer never repeats a password', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const password = 'canary-password-1';
  const good = fullRequest('j', imageSpec('/disk.raw'), ['nbd://127.0.0.1:10100/x']);
  for (const body of [
    JSON.stringify({ ...good, vcenter_password: { value: password } }),
    JSON.stringify({ ...good, vcenter_password: password, backup_type: 'nonsense' }),
    `{"vcenter_password":"${password}",`,
  ]) {
    const { status, body: answer } = await raw(node, 'POST', '/api/v1/backup/start', body);
    expect(status).toBe(400);
    expect(JSON.stringify(answer)).not.toContain(password);
  }
});

test('discover finds the disks', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const disk = await makeRaw(at.path('disk.raw'), MiB);
  expect(await node.api.discover({ vm_name: 'pgtest1', source: imageSpec(disk) })).toMatchObject({
    vm_name: 'pgtest1',
    disks: [{ key: '0', capacity_bytes: MiB }],
    warnings: [],
  });
});

test('an index gets its name only if it is what the name says', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const file = await makeRaw(at.path('index'), 5 * MiB, [[0, 5 * MiB]]);
  const sha256 = await sha256Of(file);
  await expect(node.api.putIndex('0'.repeat(64), file)).rejects.toMatchObject({
    code: 'request.invalid',
    message: expect.stringContaining(sha256),
  });
  await node.api.putIndex(sha256, file);
  await node.api.putIndex(sha256, file);
  expect(await readdir(`${node.stateDir}/indexes`)).toEqual([`${sha256}.index`]);
  expect(
    (await raw(node, 'PUT', '/api/v1/indexes/short', '', { 'content-type': 'application/octet-stream' })).body.field,
  ).toBe('sha256');
  const huge = { 'content-type': 'application/octet-stream', 'content-length': String(2 ** 50) };
  await expect(raw(node, 'PUT', `/api/v1/indexes/${'1'.repeat(64)}`, 'x', huge)).resolves.toMatchObject({
    status: 507,
    body: { error: { code: 'disk.full' } },
  });
});

test('indexes that nobody used for long are let go', async () => {
  await using at = await workshop();
  await using node = await testNode(at);
  const old = `${node.stateDir}/indexes/${'a'.repeat(64)}.index`;
  await writeFile(old, 'old');
  const longAgo = new Date(Date.now() - 8 * 24 * 3600 * 1000);
  await utimes(old, longAgo, longAgo);
  const file = await makeRaw(at.path('index'), 4096, [[0, 4096]]);
  await node.api.putIndex(await sha256Of(file), file);
  await expect(stat(old)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a node on TCP listens on loopback, and says which address is taken', async () => {
  await using at = await workshop();
  await using node = await startNode({ listen: { host: '127.0.0.1', port: 0 }, stateDir: at.path('state'), token });
  expect(node.url).toMatch(/^http:\/\/127\.0\.0\.1:[0-9]+$/);
  expect(await nodeClient({ url: node.url, token }).health()).toMatchObject({ status: 'ok' });
  const port = Number(new URL(node.url).port);
  await expect(
    startNode({ listen: { host: '127.0.0.1', port }, stateDir: at.path('state2'), token }),
  ).rejects.toMatchObject({
    code: 'node.address',
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
});

test('a socket left by a killed node is taken over, a live one never', async () => {
  await using at = await workshop();
  const socket = at.path('node.sock');
  const left = `const s = require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
  expect(() => execFileSync(process.execPath, ['-e', left, socket])).toThrow();
  expect((await stat(socket)).isSocket()).toBe(true);
  await using node = await testNode(at);
  expect((await stat(socket)).mode & 0o777).toBe(0o600);
  await expect(startNode({ listen: { socket }, stateDir: at.path('other'), token })).rejects.toMatchObject({
    code: 'node.address',
  });
  expect(await node.api.health()).toMatchObject({ status: 'ok' });
  await expect(
    startNode({ listen: { socket: at.path('x'.repeat(120)) }, stateDir: at.path('other'), token }),
  ).rejects.toMatchObject({ code: 'node.address' });
});

test('a signal closes the node', async () => {
  await using at = await workshop();
  const controller = new AbortController();
  const node = await startNode({
    listen: { socket: at.path('node.sock') },
    stateDir: at.path('state'),
    token,
    signal: controller.signal,
  });
  controller.abort();
  await node.close();
  await expect(nodeClient({ url: node.url, token }).health()).rejects.toMatchObject({ code: 'node.unreachable' });
});

test('a token is made once, for this user only', async () => {
  await using at = await workshop();
  const file = at.path('sub/token');
  const first = await tokenFrom(file);
  expect(first).toMatchObject({ made: true });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(at.path('sub'))).mode & 0o777).toBe(0o700);
  expect(await tokenFrom(file)).toEqual({ token: first.token, made: false });
  expect((await readFile(file, 'utf8')).trim()).toBe(first.token);
  await writeFile(at.path('short'), 'x');
  await expect(tokenFrom(at.path('short'))).rejects.toMatchObject({ code: 'secret.unreadable' });
});
