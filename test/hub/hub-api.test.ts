import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { actRoutes } from '../../src/hub/routes/acts/index.ts';
import { careRoutes } from '../../src/hub/routes/care/index.ts';
import { copyPoints, showCopy } from '../../src/hub/routes/repositories/copies.ts';
import { sourceVms } from '../../src/hub/routes/sources/sources.ts';
import { hubApi } from '../../src/hub/routes/index.ts';
import { errorsOf, statusOf } from '../../src/api/common-errors.ts';
import { SendenseError } from '../../src/errors/sendense-error.ts';
import { validatorOf } from '../../src/schemas/validator.ts';
import { askAll, type AskedRoute } from '../api/documented.ts';
import { raw } from '../node/raw-request.ts';
import { token, until } from '../node/support.ts';
import { parseExposition } from '../support/exposition.ts';
import { hubOpenApiFile } from '../tools/generate-openapi.ts';
import { runLogFile } from '../../src/hub/runs/run-log/place.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { watchPlan } from '../../src/state/schedules/plan-health.ts';
import { fillState } from '../bench/many-points.ts';
import type { Hub } from '../../src/hub/hub.ts';
import { metricsToken, servedHub } from './access/served-hub.ts';

const isError = validatorOf('api/error.json');

const json = { 'content-type': 'application/json' };
const planText = (name: string): string =>
  `version: 1\nkind: backup\nname: ${name}\nvm: { name: ${name}, source: { type: image, disks: [{ path: ./disk.raw }] } }\nrepository: primary\n`;
const planFile = (file: string | undefined, name: string): string => JSON.stringify({ file, text: planText(name) });

const planOf = (vm: string, folder: string): Promise<void> =>
  writeFile(join(folder, `${vm}-nightly.yaml`), planText(`${vm}-nightly`));

function watchNightly(folder: string): void {
  using state = openState(join(folder, 'state/sendense.db'));
  const file = join(folder, 'vm0001-nightly.yaml');
  const health = { plan: 'vm0001-nightly', kind: 'backup', vm: 'vm0001', repository: 'primary', file };
  watchPlan(state, { ...health, notify: undefined, rpo: null });
}

test('every route of the hub answers what it announces', async () => {
  await using at = await servedHub();
  await at.hub.nodes.add({ name: 'site-b', expiresMs: 60_000, again: false });
  {
    using state = openState(join(at.folder, 'state/sendense.db'));
    fillState(state, { vms: 2, points: 3, runs: 4, until: Date.now() - 3_600_000 });
  }
  const [run] = (await at.hub.history({ limit: 1 })).runs;
  const [point] = (await at.hub.list({})).points;
  const log = runLogFile(join(at.folder, 'state/sendense.db'), run?.run_id ?? '');
  await mkdir(dirname(log), { recursive: true });
  await writeFile(log, '{"type":"step.skipped","time":1,"run_id":"x","step":"serve","reason":"no"}\n');
  const asked: readonly AskedRoute[] = [
    ['health'],
    ['openapi'],
    ['metrics'],
    ['listNodes'],
    ['readFilesLog'],
    ['showStatus'],
    ['listVms'],
    ['showVm', { vm: 'vm0001' }],
    ['showVm', { vm: 'ghost' }],
    ['listBackups'],
    ['showBackup', { id: point?.backup_id ?? '' }],
    ['showBackup', { id: 'ghost' }],
    ['showChain', { vm_name: 'vm0001' }],
    ['showChain', { vm_name: 'ghost' }],
    ['listRuns'],
    ['showRun', { id: run?.run_id ?? '' }],
    ['showRun', { id: 'ghost' }],
    ['readRunLog', { id: run?.run_id ?? '' }],
    ['readRunLog', { id: 'ghost' }],
    ['showProgress'],
    ['showRunProgress', { id: run?.run_id ?? '' }],
    ['showRunProgress', { id: 'ghost' }],
    ['listPlans'],
    ['showPlan', { name: 'vm0001-nightly' }, undefined, undefined, async () => watchNightly(at.folder)],
    ['showPlan', { name: 'ghost' }],
    ['showPlanText', { name: 'vm0001-nightly' }, undefined, undefined, async () => planOf('vm0001', at.folder)],
    ['showPlanText', { name: 'ghost' }],
    ['planSchema'],
    ['createPlanFile', {}, planFile('a.yaml', 'a'), json],
    ['createPlanFile', {}, planFile('a.yaml', 'b'), json],
    ['createPlanFile', {}, planFile('../a.yaml', 'b'), json],
    ['createPlanFile', {}, planFile('b.yaml', 'a'), json],
    ['listPlanFiles'],
    ['readPlanFile', { file: 'a.yaml' }],
    ['readPlanFile', { file: 'ghost.yaml' }],
    ['savePlanFile', { file: 'a.yaml' }, planFile(undefined, 'c'), json],
    ['savePlanFile', { file: 'a.yaml' }, planFile(undefined, 'c'), { ...json, 'if-match': '"x"' }],
    ['savePlanFile', { file: 'a.yaml' }, planFile(undefined, 'c'), { ...json, 'if-match': '*' }],
    ['removePlanFile', { file: 'a.yaml' }],
    ['removePlanFile', { file: 'a.yaml' }, undefined, { 'if-match': '*' }],
    ['listSchedules'],
    ['showTimetable'],
    ['listSources'],
    ['discoverSource', { name: 'images' }, '{}'],
    ['discoverSource', { name: 'ghost' }, '{}'],
    ['showDiscovery', { name: 'images' }],
    ['showDiscovery', { name: 'ghost' }],
    ['proposePlan', { name: 'images' }, '{"vm":"pgtest1"}', json],
    ['proposePlan', { name: 'images' }, '{"vm":"ghost"}', json],
    ['proposePlan', { name: 'ghost' }, '{"vm":"ghost"}', json],
    ['listRepositories'],
    ['showRepository', { name: 'primary' }],
    ['showRepository', { name: 'ghost' }],
    ['showGrowth', { name: 'primary' }],
    ['checkRepository', { name: 'primary' }, '{}'],
    ['checkRepository', { name: 'ghost' }, '{}'],
    ['showCheck', { name: 'primary' }],
    ['previewPlanPrune', { name: 'vm0001-nightly' }, undefined, { 'content-type': undefined }],
    ['previewPlanPrune', { name: 'ghost' }],
    ['showPlanPrune', { name: 'vm0001-nightly' }],
    ['showPlanPrune', { name: 'ghost' }],
    ['listNotices'],
    ['listChannels'],
  ];
  // Those about files are handed on to their keeper: test/e2e/files-http.test.ts. Those that act: test/e2e/hub-acts.test.ts.
  // Sessions: access/login.test.ts.
  // Those of events do not end: below.
  // Those that keep order: test/cli/remote-care.test.ts.
  const acts = new Set<string>([...actRoutes, ...careRoutes, sourceVms, copyPoints, showCopy].map(({ id }) => id));
  const own = hubApi.routes.filter(
    ({ id, tag }) =>
      (tag !== 'restore' && !acts.has(id) && tag !== 'access' && id !== 'watchEvents') || id === 'readFilesLog',
  );
  expect(await askAll(at, own, asked)).toEqual([]);
  const stranger = asked.map(([id, params, body]): AskedRoute => [id, params, body, { authorization: '' }]);
  expect(await askAll(at, own, stranger)).toEqual(own.map(({ id }) => id));
  expect((await raw<object>(at, 'GET', '/api/v1/openapi.json')).body).toEqual(
    JSON.parse(readFileSync(hubOpenApiFile, 'utf8')),
  );
  expect((await raw<object>(at, 'GET', '/api/v1/nodes')).body).toEqual(at.hub.nodes.list());
});

test('everybody gets the page, which holds no data, and nobody the API for it', async () => {
  await using at = await servedHub();
  const page = await fetch(`${at.running.url}/runs`);
  // 503 where nobody has built it.
  expect([200, 503]).toContain(page.status);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const paths = ['/api/v1/none', '/api', '/api//v1/nodes', '/metrics', '/metrics/'];
  for (const path of paths) expect((await fetch(`${at.running.url}${path}`)).status, path).toBe(401);
  expect((await fetch(at.running.url, { method: 'POST' })).status).toBe(401);
  expect((await fetch(at.running.url, { method: 'HEAD' })).status).toBe(page.status);
});

test('who has the token for figures alone is refused everything else', async () => {
  await using at = await servedHub();
  const own = { authorization: `Bearer ${metricsToken}` };
  const allowed: string[] = [];
  for (const { id, method, path } of hubApi.routes) {
    const place = path.replaceAll(/\{[^}]+\}/g, 'x');
    const { status } = await raw(at, method, place, method === 'GET' ? '' : '{}', own);
    if (status !== 403) allowed.push(id);
  }
  const open = hubApi.routes.filter(({ right }) => right === 'public').map(({ id }) => id);
  expect(allowed).toEqual(['health', 'metrics', ...open]);
  expect(open).toEqual(['login', 'loginWays', 'beginOidc', 'finishOidc', 'signOutOidc']);
});

test('errors have the one shape and a status of their own, not 500', async () => {
  const unknown = (): never => {
    throw new SendenseError('node.unknown', 'no node ghost');
  };
  await using at = await servedHub({ refusedPerMinute: 3 }, { nodes: { list: unknown } as unknown as Hub['nodes'] });
  const answers = [
    [404, 'node.unknown', await raw(at, 'GET', '/api/v1/nodes')],
    [404, 'request.invalid', await raw(at, 'GET', '/api/v1/none')],
    [405, 'request.invalid', await raw(at, 'POST', '/api/v1/health', '{}')],
    [405, 'request.invalid', await raw(at, 'DELETE', '/api/v1/nodes')],
    [413, 'request.invalid', await raw(at, 'POST', '/api/v1/nodes', `"${'x'.repeat(5000)}"`)],
    [415, 'request.invalid', await raw(at, 'POST', '/api/v1/nodes', 'x', { 'content-type': 'text/plain' })],
    [401, 'access.login', await raw(at, 'GET', '/api/v1/none', '', { authorization: '' })],
    [401, 'access.login', await raw(at, 'GET', '/api/v1/%zz', '', { authorization: '' })],
    [401, 'access.login', await raw(at, 'GET', '/metrics', '', { authorization: 'Bearer canary' })],
    [429, 'node.limited', await raw(at, 'GET', '/metrics', '', { authorization: 'Bearer canary' })],
  ] as const;
  for (const [status, code, answer] of answers) {
    expect([answer.status, answer.body.error.code]).toEqual([status, code]);
    expect(isError(answer.body)).toBe(true);
    expect(answer.headers['x-request-id']).toBeDefined();
  }
  expect(answers[6][2].body.error.remedy).toContain('hub: apiToken');
  expect(answers[1][2].body.error.remedy).toContain('/api/v1/openapi.json');
  // Who has the token is answered all the same, and HEAD as GET is.
  const asked = { method: 'HEAD', headers: { authorization: `Bearer ${token}` } };
  expect((await fetch(`${at.running.url}/api/v1/openapi.json`, asked)).status).toBe(200);
  // What the router cannot read has no line.
  const lines = answers.length - 1;
  await until(() => at.lines.filter(({ msg }) => msg === 'request failed').length === lines, 'all lines');
  expect(JSON.stringify(at.lines)).not.toContain('canary');
});

test('one page has the figures of backups and of the service, each family once', async () => {
  await using at = await servedHub();
  const page = async (): Promise<string> => (await raw<string>(at, 'GET', '/metrics')).body;
  const [first, second] = [parseExposition(await page()), parseExposition(await page())];
  const alone = parseExposition(await at.hub.metrics());
  expect([...first.keys()].filter((name) => !name.startsWith('sendense_hub_'))).toEqual([...alone.keys()]);
  for (const name of ['sendense_hub_nodes', 'sendense_hub_runs', 'sendense_hub_api_requests_total'])
    expect(first.has(name), name).toBe(true);
  // What is so now replaces what was; and pages that are made at a time have all of it.
  const together = await Promise.all([page(), page(), page()]);
  for (const text of together) expect([...parseExposition(text).keys()]).toEqual([...first.keys()]);
  expect([...second.keys()]).toEqual([...first.keys()]);
  expect(second.get('sendense_ports')?.samples).toHaveLength(1);
  expect(second.get('sendense_hub_api_requests_total')?.samples[0]?.labels).toEqual({ status: '200' });
});

test('a list is as it was: who has it already is told so, and wrong words are told by their name', async () => {
  await using at = await servedHub();
  const first = await raw(at, 'GET', '/api/v1/runs');
  const tag = first.headers['etag'] ?? '';
  expect(tag).toMatch(/^W\/"[\w-]{22}"$/);
  const same = await raw(at, 'GET', '/api/v1/runs', '', { 'if-none-match': `"other", ${tag}` });
  expect([same.status, same.body]).toEqual([304, null]);
  expect((await raw(at, 'GET', '/api/v1/runs', '', { 'if-none-match': '"other"' })).status).toBe(200);
  const wrong: readonly (readonly [path: string, field: string])[] = [
    ['runs?limit=0', 'limit'],
    ['runs?limit=201', 'limit'],
    ['runs?cursor=eyJ9', 'cursor'],
    ['runs?cursor=WyJ4IiwxXQ', 'cursor'],
    ['runs?status=fine', 'status'],
    ['runs?since=yesterday', 'since'],
    ['vms?days=93', 'days'],
    ['vms?offset=900', 'offset'],
    ['backups?cursor=%00', 'cursor'],
  ];
  for (const [path, field] of wrong) {
    const { status, body } = await raw(at, 'GET', `/api/v1/${path}`);
    expect([path, status, body.field]).toEqual([path, 400, field]);
  }
  expect((await raw(at, 'GET', '/api/v1/backups?repository=ghost')).body.error.code).toBe('repository.unusable');
});

test('events come over HTTP as they happen, and end with who listens', async () => {
  await using at = await servedHub();
  const gone = new AbortController();
  const asked = { headers: { authorization: `Bearer ${token}` }, signal: gone.signal };
  const { headers, body, status } = await fetch(`${at.running.url}/api/v1/events?topics=status`, asked);
  expect([status, headers.get('content-type'), headers.get('x-accel-buffering'), headers.get('cache-control')]).toEqual(
    [200, 'text/event-stream', 'no', 'no-store'],
  );
  let text = '';
  const read = (async () => {
    for await (const piece of body ?? []) text += Buffer.from(piece).toString();
  })().catch(() => undefined);
  await until(() => text.includes('event: begin'), 'begin');
  let plans = 0;
  await until(() => {
    using state = openState(join(at.folder, 'state/sendense.db'));
    fillState(state, { vms: 1, points: 0, runs: 1, until: Date.now() - ++plans * 86_400_000 });
    return text.includes('event: change');
  }, 'a change');
  gone.abort();
  await read;
  expect((await raw(at, 'GET', '/api/v1/events?topics=weather')).body.field).toBe('topics');
  expect((await raw(at, 'GET', '/api/v1/events?topics=run:ghost')).body.error.code).toBe('run.unknown');
  expect((await raw(at, 'GET', '/api/v1/events', '', { authorization: '' })).status).toBe(401);
});

test('what is looked at and not there is no fault of the hub', () => {
  // What is broken, and not absent: programs and runs that died, a node, a chain, a key.
  const faults = [
    'run.internal',
    'run.crashed',
    'files.reader',
    'files.excess',
    'node.unreachable',
    'chain.damaged',
    'repository.key',
    'tool.missing',
  ];
  const looked = hubApi.routes.filter(({ method }) => method === 'GET');
  expect(looked.length).toBeGreaterThan(50);
  const codes = new Set<string>(looked.flatMap((route) => errorsOf(route).filter((code) => statusOf(code) === 500)));
  expect([...codes].filter((code) => !faults.includes(code))).toEqual([]);
});
