import { connect } from 'node:net';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { openHubLog } from '../../src/hub/hub-log.ts';
import { openHub } from '../../src/hub/open-hub.ts';
import type { Hub } from '../../src/hub/hub.ts';
import { thisProcess } from '../../src/host/programs/process-identity.ts';
import { makeKeyPair, parsePublicKey } from '../../src/host/ssh/keys.ts';
import { createServices } from '../../src/hub/create-services.ts';
import { withEnrolledNodes } from '../../src/hub/nodes/dial-hub.ts';
import { makeNodeSocketFolder, nodeSocket } from '../../src/hub/nodes/node-sockets.ts';
import { letProve } from '../../src/api/let-prove.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { connectNode } from '../../src/state/nodes/node-connections.ts';
import { enrolNode } from '../../src/state/nodes/node-enrolment.ts';
import { requireNode, revokeNode } from '../../src/state/nodes/nodes.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';
import { programs } from '../programs.ts';
import { freePorts } from '../support/free-ports.ts';
import { parseExposition } from '../support/exposition.ts';

interface Place extends AsyncDisposable {
  readonly folder: TemporaryFolder;
  readonly hub: Hub;
  readonly from: number;
}

async function openPlace(api = '127.0.0.1', more = ''): Promise<Place> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const [from = 0] = await freePorts(4);
  writeFileSync(
    folder.file('sendense.yaml'),
    [
      'repositories: { primary: { path: ./repository } }',
      `hub: { listen: '127.0.0.1:${from}', api: '${api}:${from + 1}', ${more}nodePorts: { from: ${from + 2}, to: ${from + 3} } }`,
    ].join('\n'),
  );
  const hub = stack.use(
    await openHub({
      startFolder: folder.path,
      embeddedNode: () => Promise.reject(new Error('no node is embedded in this test')),
    }),
  );
  return { folder, hub, from, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const log = openHubLog('error');
const program = [process.execPath, programs.run];

test('an address that others reach needs TLS, or a proxy that is named', async () => {
  {
    await using place = await openPlace('0.0.0.0');
    await expect(place.hub.serve({ log, program })).rejects.toMatchObject({
      code: 'hub.address',
      remedy: expect.stringContaining('tls: true') as string,
    });
  }
  {
    await using place = await openPlace('0.0.0.0', 'proxy: { from: [192.0.2.7] }, ');
    await using _service = await place.hub.serve({ log, program });
  }
  await using place = await openPlace('0.0.0.0', 'tls: true, ');
  await using service = await place.hub.serve({ log, program });
  expect(service.api).toMatch(/^https:/);
  expect(service.fingerprint).toMatch(/^([0-9A-F]{2}:){31}/);
  // Its watchdog asks it over TLS.
  await service.answers(AbortSignal.timeout(10_000));
  expect(statSync(place.folder.file('state', 'hub-tls', 'hub.pem')).mode & 0o777).toBe(0o600);
});

test('the API answers who brings the token, with health, nodes and figures', async () => {
  await using place = await openPlace();
  await place.hub.nodes.add({ name: 'site-b', expiresMs: 60_000, again: false });
  await using service = await place.hub.serve({ log, program });
  const file = place.folder.file('state', 'hub-api.token');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const headers = { authorization: `Bearer ${readFileSync(file, 'utf8').trim()}` };
  const get = (path: string, more: object = { headers }): Promise<Response> => fetch(`${service.api}${path}`, more);
  const health = (await (await get('/api/v1/health')).json()) as unknown;
  expect(validatorOf('hub/health.json')(health)).toBe(true);
  expect(await (await get('/api/v1/nodes')).json()).toMatchObject({ nodes: [{ name: 'site-b', state: 'waiting' }] });
  const watching = readFileSync(place.folder.file('state', 'hub-metrics.token'), 'utf8').trim();
  expect(statSync(place.folder.file('state', 'hub-metrics.token')).mode & 0o777).toBe(0o600);
  const asWatcher = { headers: { authorization: `Bearer ${watching}` } };
  const statuses = await Promise.all(
    ['/metrics', '/api/v1/health'].map(async (path) => (await get(path, asWatcher)).status),
  );
  expect(statuses).toEqual([200, 200]);
  const refused = await get('/api/v1/nodes', { headers: { authorization: 'Bearer x' } });
  expect([refused.status, ((await refused.json()) as { error: { code: string } }).error.code]).toEqual([
    401,
    'access.login',
  ]);
  expect((await get('/api/v1/none')).status).toBe(404);
  expect((await get('/metrics', {})).status).toBe(401);
  const figures = await (await get('/metrics')).text();
  expect(figures).toContain('sendense_hub_nodes{state="waiting"} 1');
  expect(figures).toContain('sendense_hub_refused_total{reason="api-token"} 2');
  const families = parseExposition(figures);
  expect(families.get('sendense_ports')?.samples).toEqual([{ name: 'sendense_ports', labels: {}, value: 101 }]);
  expect(families.has('sendense_repository_up')).toBe(true);
  expect((await get('/api/v1/health', { method: 'POST', headers, body: 'x'.repeat(5000) })).status).toBeGreaterThan(
    399,
  );
});

test('a port that is taken is named with who holds it', async () => {
  await using place = await openPlace();
  await using _service = await place.hub.serve({ log, program });
  await expect(place.hub.serve({ log, program })).rejects.toThrow(
    expect.objectContaining({
      code: 'hub.address',
      message: expect.stringMatching(new RegExp(`:${place.from + 1}: .*process ${process.pid}\\) holds it`)) as string,
    }),
  );
});

test('a service that ends closes its ports and connections', async () => {
  await using place = await openPlace();
  const service = await place.hub.serve({ log, program });
  const socket = connect(place.from, '127.0.0.1');
  await once(socket, 'connect');
  const rest = buffer(socket).catch(() => null);
  await service[Symbol.asyncDispose]();
  await rest;
  await expect(fetch(service.api)).rejects.toThrow();
});

test('a request that comes byte by byte is ended', { timeout: 300_000 }, async () => {
  await using place = await openPlace();
  await using service = await place.hub.serve({ log, program });
  const socket = connect(Number(new URL(service.api).port), '127.0.0.1', () =>
    socket.write('GET /api/v1/health HTTP/1.1\r\nx'),
  );
  expect((await buffer(socket)).toString()).toContain('408');
});

test('the settings of a hub are those of the file, and can be read when it is closed', async () => {
  const place = await openPlace();
  const { settings, nodes } = place.hub;
  await nodes.add({ name: 'site-b', expiresMs: 60_000, again: false });
  const before = JSON.stringify(settings);
  await place[Symbol.asyncDispose]();
  expect(JSON.stringify(settings)).toBe(before);
  expect(Object.keys(settings.nodes)).not.toContain('site-b');
});

test('a node is reached at its socket, and its absence is explained', async () => {
  await using place = await openPlace();
  const { folder, hub, from } = place;
  await hub.nodes.add({ name: 'site-b', expiresMs: 60_000, again: false });
  using state = openState(folder.file('state', 'sendense.db'));
  await using stack = new AsyncDisposableStack();
  const services = createServices(
    {
      version: '0',
      settings: withEnrolledNodes(hub.settings, state),
      settingsFolder: folder.path,
      state,
      nodeStateDir: folder.file('node'),
      embeddedNode: () => Promise.reject(new Error('no')),
      runPlan: () => Promise.reject(new Error('no')),
    },
    stack,
  );
  await expect(services.node('site-b')).rejects.toThrow(/was added, but is not enrolled yet/);
  const { id, oneTimeKey } = requireNode(state, 'site-b');
  const apiToken = 'node-token-0123456789';
  const publicKey = parsePublicKey(makeKeyPair('').publicKey) ?? '';
  enrolNode(state, { oneTimeKey: oneTimeKey ?? '', publicKey, apiToken, hostname: 'b', version: '1' });
  await expect(services.node('site-b')).rejects.toThrow(/site-b is not connected to this hub/);

  connectNode(state, id, { connection: 'x', owner: thisProcess(), peer: '192.0.2.7:1', data: 'builtin' });
  const said: (string | undefined)[] = [];
  const api = createServer((request, answer) => {
    said.push(request.headers.authorization);
    answer.end(JSON.stringify({ status: 'ok', version: '1', time: 1, tools: [], jobs_running: 0 }));
  });
  letProve(api, { token: apiToken, withinMs: 10_000 });
  makeNodeSocketFolder(state.path);
  api.listen(nodeSocket(state.path, from + 2));
  await once(api, 'listening');
  expect(await (await services.node('site-b')).health()).toMatchObject({ status: 'ok' });
  expect(said).toEqual([`Bearer ${apiToken}`]);
  expect(services.isEmbedded('site-b')).toBe(false);
  api.close();

  revokeNode(state, 'site-b');
  expect(() => services.node('nobody')).toThrow(expect.objectContaining({ code: 'node.unknown' }));
});

test('no node can be called local, or as one of sendense.yaml with another mode', async () => {
  await using place = await openPlace();
  const add = (name: string): Promise<unknown> => place.hub.nodes.add({ name, expiresMs: 1000, again: false });
  await expect(add('local')).rejects.toThrow(expect.objectContaining({ code: 'node.exists' }));
  await expect(add('../x')).rejects.toThrow(expect.objectContaining({ code: 'usage' }));
  await expect(place.hub.nodes.revoke('ghost')).rejects.toThrow(expect.objectContaining({ code: 'node.unknown' }));
});
