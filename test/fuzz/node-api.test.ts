import { SendenseError } from '../../src/errors/sendense-error.ts';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHubApi } from '../../src/hub/create-hub-api.ts';
import { createServiceFigures } from '../../src/hub/metrics/service-figures.ts';
import { openHub } from '../../src/hub/open-hub.ts';
import type { Route } from '../../src/api/route.ts';
import { nodeApi } from '../../src/node/routes/index.ts';
import { startNode, type RunningNode } from '../../src/node/start-node.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { token, workshop, type Workshop } from '../node/support.ts';
import { cutAt, cuts } from './chunks.ts';
import { fuzz } from './harness.ts';
import { hostileText, prototypeWords } from './hostile.ts';
import { hostileHttp } from './hostile-http.ts';
import { hostileJson } from './hostile-json.ts';

let at: Workshop;
let node: RunningNode;
let nodePath = '';
let hubPath = '';
const silent = pino({ level: 'silent' });
const unlimited = { requestsPerMinute: 1e9, refusedPerMinute: 1e9, bodyMs: 5_000, headersMs: 5_000 };
const folder = mkdtempSync(join(tmpdir(), 'sendense-fuzz-hub-'));
writeFileSync(join(folder, 'sendense.yaml'), 'repositories: { primary: { path: ./repository } }\n');
const embeddedNode = (): Promise<never> => Promise.reject(new Error('no request asks a node'));
const hub = await openHub({ startFolder: folder, embeddedNode });
const hubApi = createHubApi({
  parts: {
    hub,
    ssh: 'builtin',
    service: createServiceFigures('0.1.0'),
    countElsewhere: async () => {},
    startRun: () => {
      throw new Error('no request may start a run');
    },
    askCommand: () => Promise.reject(new Error('no route asks a command')),
    repeats: { once: async (_asked, begin) => await begin() },
    filesKeeper: () => Promise.reject(new SendenseError('files.unavailable', 'nobody keeps files in this test')),
  },
  token,
  metricsToken: `metrics-${token}`,
  log: silent,
  limits: unlimited,
});
beforeAll(async () => {
  at = await workshop();
  [nodePath, hubPath] = [at.path('node.sock'), at.path('hub.sock')];
  node = await startNode({
    listen: { socket: nodePath },
    stateDir: at.path('state'),
    token,
    logger: silent,
    limits: unlimited,
  });
  await (await hubApi).listen({ path: hubPath });
});
afterAll(async () => {
  await (await hubApi).close();
  await hub[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
  await node.close();
  await at[Symbol.asyncDispose]();
});

/** ms after which the end of a request that was never complete is said; who is not answered by then loses nothing. */
const patienceMs = 40;

/** All that is said comes in pieces. @returns what was answered until the connection ended */
async function say(path: string, bytes: Buffer, places: readonly number[], whole = false): Promise<string> {
  const socket = connect(path).on('error', () => {});
  await once(socket, 'connect');
  for (const piece of cutAt(bytes, places)) socket.write(piece);
  const timer = whole ? undefined : setTimeout(() => socket.end(), patienceMs);
  try {
    return await text(socket).catch(() => '');
  } finally {
    clearTimeout(timer);
  }
}

/** Answers that stand on the wire one behind the other, with their bodies where these are JSON. */
function* answersIn(said: string): Generator<{ status: number; body: unknown }> {
  for (const [, status, head = '', rest = ''] of said.matchAll(
    /HTTP\/1\.1 ([0-9]{3})[^\r]*\r\n([^]*?)\r\n\r\n([^]*?)(?=HTTP\/1\.1 [0-9]{3}|$)/g,
  )) {
    const json = /content-type: application\/json/i.test(head);
    yield { status: Number(status), body: json && rest !== '' ? JSON.parse(rest) : undefined };
  }
}

/** No answer may speak of a fault of ours. */
function assertAnswered(said: string): void {
  for (const { status, body } of answersIn(said)) {
    const { error } = (body ?? {}) as { error?: { code: string; message: string } };
    if (error?.code === 'run.internal') throw new Error(`${status}: ${error.message}`);
    if (error) expect(validatorOf('api/error.json')(body)).toBe(true);
    if (status >= 400 && body !== undefined) expect(error).toBeDefined();
  }
}

const source = {
  type: 'image',
  disks: [{ path: '/nowhere/disk.raw', format: 'raw', uuid: null, allow_in_use: false, changes: null }],
};
const disk = {
  key: '0',
  mode: 'incremental',
  method: 'digest',
  previous_change_id: null,
  previous_index: '0'.repeat(64),
};
// The index that it names is not there, so that no job begins.
const start = {
  job_id: 'j1',
  vm_name: 'x',
  nbd_targets: '0:nbd://127.0.0.1:1/a',
  backup_type: 'incremental',
  source,
  disks: [disk],
};
// Of a kind that cannot be restored to, or with disks where none may be: no job begins here, either.
const compare = {
  job_id: 'j1',
  source,
  run: 'r',
  point: 'p',
  name: 'x',
  disks: [{ key: '0', saved_key: '0', index: '0'.repeat(64) }],
};
// The index that it names is not there.
const inPlace = {
  job_id: 'j1',
  source,
  vm: 'vm-1',
  name: 'x',
  run: 'r',
  point: 'p',
  safety: null,
  takes_over: null,
  disks: [{ key: '0', uuid: 'd', bytes: 512, index: '0'.repeat(64), base: null }],
  compare_all: false,
  power_on: false,
  nbd_sources: '0:nbd://127.0.0.1:1/a',
};
const bodies: readonly (readonly [string, string, unknown])[] = [
  ['POST', '/api/v1/discover', { vm_name: 'x', source }],
  ['POST', '/api/v1/backup/start', start],
  ['POST', '/api/v1/replicate', { ...start, target_holds: 'previous' }],
  ['POST', '/api/v1/restore/compare', compare],
  ['POST', '/api/v1/restore/finish', { source, run: 'r', point: 'p', vm: 'vm-1', action: 'look', power_on: false }],
  ['POST', '/api/v1/restore/power', { source, run: 'r', vm: 'vm-1', action: 'wait', wait_seconds: 0 }],
  ['POST', '/api/v1/restore/undo', { source, run: 'r', jobs: ['j1'], keep_copied: true }],
  ['POST', '/api/v1/restore/in-place/start', inPlace],
  [
    'POST',
    '/api/v1/restore/in-place/end',
    { source, run: 'r', point: 'p', vm: 'vm-1', action: 'look', jobs: ['j1'], power_on: false },
  ],
  [
    'POST',
    '/api/v1/restore/attach/end',
    {
      source,
      run: 'r',
      point: 'p',
      of: 'x',
      vm: 'vm-1',
      disks: [{ disk: 'disk-0', key: '0', device_key: '0' }],
      action: 'look',
    },
  ],
  ['POST', '/api/v1/restore/attach/list', { source, vm: null }],
  ['POST', '/api/v1/restore/attach/detach', { source, vm: 'vm-1', disks: ['6000C29e-1'], forget: true }],
  ['POST', '/api/v1/cleanup', { job_id: 'j1' }],
  ['POST', '/api/v1/data-path/test', { ports: [1, 65_535] }],
  ['POST', '/api/v1/jobs/j1/cancel', {}],
  ['PUT', `/api/v1/indexes/${'0'.repeat(64)}`, 'an index'],
];
/** They log in where their body says. */
const dialling = ['testCredentials', 'vmSpecChanges', 'checkRestore', 'startRestore', 'checkInPlace', 'checkAttach'];
/** Its body would be empty. */
const bodiless = ['askDoctor'];

test('every request of a node that has a body is here', () => {
  const isHere = ({ method, path }: Pick<Route<never>, 'method' | 'path'>): boolean => {
    const form = new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    return bodies.some(([known, asked]) => known === method && form.test(asked));
  };
  const missing = nodeApi.routes.filter(
    ({ id, ...route }) =>
      route.method !== 'GET' && route.method !== 'DELETE' && !bodiless.includes(id) && !isHere(route),
  );
  expect(missing.map(({ id }) => id)).toEqual(dialling);
});

const names = fc.oneof(
  hostileText.map((name) => encodeURIComponent(name.toWellFormed())),
  fc.constantFrom('%', '%zz', '%00', '..', '%2e%2e%2f', '', ...prototypeWords),
);
const paths = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('/api/v1/status/', '/api/v1/jobs/', '/api/v1/vms/', '/api/v1/indexes/', '/', '/api/v1/'),
      names,
    )
    .map((parts) => parts.join('')),
  names.map((name) => `/api/v1/jobs/j1/indexes/${name}`),
  fc.constantFrom(
    '/metrics',
    '/api/v1/health',
    '/api/v1/openapi.json',
    '/api/v1/config',
    '/api/v1/jobs',
    '*',
    'http://x/api/v1/health',
    '//',
    '/?a=b',
    '/api/v1/nodes',
    '/api/v1/health?__proto__=1',
    `/${'x'.repeat(20_000)}`,
  ),
);
const methods = fc.constantFrom(
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'CONNECT',
  'PRI',
  'get',
  'G\0T',
);
const types = fc.constantFrom(
  'application/json',
  'application/json',
  'application/json; charset=utf-16',
  'application/octet-stream',
  'text/plain',
  'application/json, text/xml',
  '',
  '\u00ff',
);
const authorizations = fc.constantFrom(
  ...Array<string>(12).fill(`Bearer ${token}`),
  'Bearer x',
  'Basic eDp5',
  '',
  `bearer ${token} `,
  `Bearer ${token}\u00e9`,
);

const head = (method: string, path: string, type: string, authorization: string): string[] => [
  `${method} ${path} HTTP/1.1`,
  'host: x',
  'connection: close',
  `authorization: ${authorization}`,
  `content-type: ${type}`,
];

const requests = fc.constantFrom(...bodies).chain(([method, path, body]) =>
  hostileHttp(
    fc.tuple(types, authorizations).map(([type, authorization]) => head(method, path, type, authorization)),
    hostileJson(fc.constant(body)),
  ),
);
const others = hostileHttp(
  fc
    .tuple(methods, paths, types, authorizations)
    .map(([method, path, type, authorization]) => head(method, path, type, authorization)),
  hostileJson(fc.constantFrom<unknown>({}, start)),
);

fuzz('requests to a node', {
  input: fc.tuple(fc.oneof({ weight: 2, arbitrary: requests }, { weight: 1, arbitrary: others }), cuts),
  few: 100,
  attempt: async ([bytes, places]) => assertAnswered(await say(nodePath, bytes, places)),
});

fuzz('bodies for a node', {
  input: fc
    .constantFrom(...bodies)
    .chain(([method, path, body]) => hostileJson(fc.constant(body)).map((json) => ({ method, path, json }))),
  few: 100,
  attempt: async ({ method, path, json }) => {
    const lines = [
      ...head(method, path, method === 'PUT' ? 'application/octet-stream' : 'application/json', `Bearer ${token}`),
      `content-length: ${json.length}`,
      '',
      '',
    ];
    const said = await say(nodePath, Buffer.concat([Buffer.from(lines.join('\r\n')), json]), [], true);
    // A body that nobody reads to its end may cost the caller the answer.
    if (json.length < 64 * 1024) expect(said).toMatch(/^HTTP\/1\.1 [2-5][0-9]{2} /);
    assertAnswered(said);
  },
});

fuzz('requests to a hub', {
  input: fc.tuple(others, cuts),
  few: 60,
  attempt: async ([bytes, places]) => assertAnswered(await say(hubPath, bytes, places)),
});
