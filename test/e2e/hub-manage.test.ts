import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CredentialsOutput, NodeAddedOutput, NodesOutput, SlotsOutput } from '../../src/schemas/types.ts';
import { askHub, logInAt, schema, type Answered, type Refused } from './ask-hub.ts';
import { hubProgram, type HubProgram } from './hub-program.ts';
import { backupPlan, makeRaw } from './workspace.ts';

const password = 'four random words here';
const secret = 'canary-9f2b71-secret';
let hub: HubProgram;

beforeAll(async () => {
  hub = await hubProgram(
    'notify: { channels: { none: { type: webhook, url: "http://127.0.0.1:9/" } } }',
    `sources: { vc1: { type: vsphere, host: '127.0.0.1:9', credential: prod, thumbprint: '${Array(20).fill('AB').join(':')}' } }`,
  );
  await writeFile(hub.folder.file('password'), `${password}\n`, { mode: 0o600 });
  const { exitCode, stderr } = await hub.run(
    'user',
    'add',
    'wanda',
    '--role',
    'admin',
    '--password-file',
    hub.folder.file('password'),
  );
  if (exitCode !== 0) throw new Error(stderr);
});

afterAll(() => hub[Symbol.asyncDispose]());

const ask = <T>(
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answered<T>> => askHub<T>(hub, method, path, body, headers);

test('a node joins by a token that is shown once, gets another name, is revoked and forgotten', async () => {
  const added = await ask<NodeAddedOutput>('POST', '/nodes', { name: 'site-b' });
  expect(added.status, JSON.stringify(added.body)).toBe(201);
  schema('output/node-added.json', added.body);
  expect(JSON.stringify((await ask('GET', '/nodes')).body)).not.toContain(added.body.token);
  expect((await ask<Refused>('POST', '/nodes', { name: 'site-b' })).body.error.code).toBe('node.exists');
  expect((await ask<Refused>('POST', '/nodes', { name: '../x' })).status).toBe(400);
  const again = await ask<NodeAddedOutput>('POST', '/nodes/site-b/token', { expires_ms: 60_000 });
  expect([again.status, again.body.token === added.body.token]).toEqual([201, false]);
  const renamed = await ask<NodesOutput>('POST', '/nodes/site-b/rename', { to: 'site-c' });
  expect(renamed.body.nodes.map(({ name }) => name)).toEqual(['site-c']);
  const revoked = await ask<NodesOutput>('POST', '/nodes/site-c/revoke');
  expect([revoked.status, revoked.body.nodes[0]?.state]).toEqual([200, 'revoked']);
  expect((await ask('DELETE', '/nodes/site-c')).status).toBe(200);
  expect((await ask<Refused>('DELETE', '/nodes/site-c')).body.error.code).toBe('node.unknown');
  expect(hub.said()).not.toContain(added.body.token);
});

test('a password comes in by a request, and comes out nowhere', async () => {
  const wanda = await logInAt(hub, 'wanda', password);
  const answers: unknown[] = [];
  const tell = async (method: string, path: string, body?: object): Promise<Answered<Refused & CredentialsOutput>> => {
    const answer = await ask<Refused & CredentialsOutput>(method, path, body, wanda);
    answers.push(answer.body);
    return answer;
  };
  const added = await tell('POST', '/credentials', { name: 'prod', user: 'backup@vsphere.local', password: secret });
  expect(added.status, JSON.stringify(added.body)).toBe(201);
  schema('output/credentials.json', added.body);
  expect((await tell('POST', '/credentials', { name: 'prod', user: 'x', password: secret })).body.error.code).toBe(
    'credential.exists',
  );
  expect((await tell('PUT', '/credentials/prod', { password: [secret] })).status).toBe(400);
  expect((await tell('POST', '/credentials', { name: 'x', user: 'x', passwort: secret, password: 'y' })).status).toBe(
    400,
  );
  expect((await tell('PUT', '/credentials/prod', { password: `${secret}-2` })).status).toBe(200);
  expect((await tell('GET', '/credentials')).body.credentials.map(({ name }) => name)).toEqual(['prod']);
  const tried = await tell('POST', '/credentials/prod/test', { source: 'vc1' });
  expect(tried.status, JSON.stringify(tried.body)).toBeGreaterThanOrEqual(400);
  expect((await tell('DELETE', '/credentials/prod')).body.error.code).toBe('credential.used');
  hub.state.run(hub.state.query.updateTable('sessions').set({ proven: 0 }));
  expect((await tell('DELETE', '/credentials/prod?force=true')).body.error.code).toBe('access.stale');
  expect((await ask('DELETE', '/credentials/prod?force=true')).status).toBe(200);
  expect(JSON.stringify(answers)).not.toContain(secret);
  expect(hub.said()).not.toContain(secret);
  const { stdout } = await hub.run('audit', '--json');
  expect(stdout).toContain('addCredential');
  expect(stdout).not.toContain(secret);
  const state = hub.folder.file('state');
  for (const file of readdirSync(state, { recursive: true, encoding: 'utf8', withFileTypes: true }))
    if (file.isFile()) expect(readFileSync(join(file.parentPath, file.name)).includes(secret), file.name).toBe(false);
});

test('a channel is tried, and says why it does not work', async () => {
  const tried = await ask<{ ok: boolean; channels: readonly { error: string }[] }>('POST', '/notices/test', {});
  expect(tried.status, JSON.stringify(tried.body)).toBe(200);
  schema('output/notify-test.json', tried.body);
  expect([tried.body.ok, tried.body.channels.length]).toEqual([false, 1]);
  const none = await ask<Refused>('POST', '/notices/test', { channel: 'mail' });
  expect([none.status, none.body.error.code]).toEqual([404, 'notify.unknown']);
});

test('slots of the past are shown, and run', async () => {
  await makeRaw(hub.folder.file('a.raw'), 2 ** 20, [[0, 65_536]]);
  await writeFile(
    hub.folder.file('hourly.yaml'),
    backupPlan(['a.raw'], "schedule: { cron: '0 * * * *', timezone: UTC }\n"),
  );
  const first = await hub.run('run', 'hourly.yaml');
  expect(first.exitCode, first.stderr).toBe(0);
  const missing = await ask<Refused>('POST', '/schedules/none/backfill', { from: 0 });
  expect(missing.body.error.code).toBe('plan.unknown');
  const shown = await hub.run('schedule', 'backfill', 'hourly.yaml', '--from', '2026-11-20T00:00:00Z', '--dry-run');
  expect(shown.exitCode, shown.stderr).toBe(0);
  const from = Date.now() - 2.5 * 3_600_000;
  const dry = await ask<SlotsOutput>('POST', '/schedules/pgtest1-nightly/backfill', {
    from,
    latest: true,
    dry_run: true,
  });
  expect(dry.status, JSON.stringify(dry.body)).toBe(200);
  schema('output/slots.json', dry.body);
  expect(dry.body.slots).toHaveLength(1);
  const key = { 'idempotency-key': 'b1' };
  const begun = await ask<SlotsOutput>('POST', '/schedules/pgtest1-nightly/backfill', { from, latest: true }, key);
  expect([begun.status, begun.body.slots.length]).toEqual([202, 1]);
  await expect
    .poll(async () => JSON.stringify((await ask('GET', '/runs')).body), { timeout: 200_000 })
    .toMatch(/"trigger":"backfill"[^}]*"status":"succeeded"/);
});
