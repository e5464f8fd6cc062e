/** Repositories and sources over the API, at a real hub: what is in them, check, what a prune would free, what no plan backs up. */
import { truncate, writeFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { HubCheck, HubDiscovery, HubGrowth, HubOneRepository, HubPrunePreview } from '../../src/schemas/types.ts';
import { askHub, patience, schema, type Answered, type Refused } from './ask-hub.ts';
import { hubProgram, type HubProgram } from './hub-program.ts';
import { backupPlan, makeRaw } from './workspace.ts';

const MiB = 2 ** 20;
let hub: HubProgram;

beforeAll(async () => {
  hub = await hubProgram(
    'sources: { lab: { type: image, vms: { pgtest1: { disks: [{ path: a.raw }] }, spare: { disks: [{ path: b.raw }] } } } }',
  );
  await makeRaw(hub.folder.file('b.raw'), MiB, []);
  await makeRaw(hub.folder.file('a.raw'), 4 * MiB, [[MiB, MiB]]);
  await writeFile(hub.folder.file('nightly.yaml'), backupPlan(['a.raw'], 'retention: { last: 1 }\n'));
  for (let night = 0; night < 2; night++) {
    const { exitCode, stderr } = await hub.run('run', 'nightly.yaml');
    if (exitCode !== 0) throw new Error(stderr);
  }
});

afterAll(() => hub?.[Symbol.asyncDispose]());

const ask = <T>(method: string, path: string, body?: object): Promise<Answered<T>> =>
  askHub<T>(hub, method, path, body);

/** What is asked for as soon as it has ended. */
const whenEnded = async <T extends { readonly state: string }>(path: string): Promise<T> =>
  await vi.waitFor(async () => {
    const { body } = await ask<T>('GET', path);
    expect(body.state).toBe('ended');
    return body;
  }, patience);

it('tells what each VM holds, and that seven days are needed for a forecast', async () => {
  const { body } = await ask<HubOneRepository>('GET', '/repositories/primary');
  schema('hub/one-repository.json', body);
  expect(body.repository.vms).toMatchObject([{ vm: 'pgtest1' }]);
  const growth = await ask<HubGrowth>('GET', '/repositories/primary/growth?offset=60');
  schema('hub/growth.json', growth.body);
  expect(growth.body.days.length).toBe(31);
  expect(growth.body.forecast).toMatchObject({ state: 'not-enough', days: 0, per_day: null });
  const ghost = await ask<Refused>('GET', '/repositories/ghost');
  expect([ghost.status, ghost.body.error.code]).toEqual([409, 'repository.unusable']);
});

it('checks: 202, then the findings, as the command has them', async () => {
  expect((await ask<HubCheck>('GET', '/repositories/primary/check')).body).toMatchObject({ state: 'never' });
  const begun = await ask<HubCheck>('POST', '/repositories/primary/check', {});
  expect([begun.status, begun.location]).toEqual([202, '/api/v1/repositories/primary/check']);
  expect((await whenEnded<HubCheck>('/repositories/primary/check')).result).toMatchObject({ ok: true, findings: [] });
  const folder = hub.folder.file('repository', 'pgtest1');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (one) => /qcow2|\.img|disk/.test(one) && one.includes('.'),
  ))
    await truncate(join(folder, name), 70_000);
  await ask('POST', '/repositories/primary/check', { quick: true });
  const found = await whenEnded<HubCheck>('/repositories/primary/check');
  schema('hub/check.json', found);
  expect(found.result).toMatchObject({ ok: false, quick: true });
  expect(found.result?.findings[0]?.severity).toBe('error');
});

it('says what the retention of a plan would remove, and removes nothing', async () => {
  const points = (): string[] => readdirSync(hub.folder.file('repository', 'pgtest1')).toSorted();
  const before = points();
  const path = '/plans/pgtest1-nightly/prune-preview';
  const begun = await ask<HubPrunePreview>('POST', path);
  expect([begun.status, begun.location]).toEqual([202, `/api/v1${path}`]);
  const preview = await whenEnded<HubPrunePreview>(path);
  schema('hub/prune-preview.json', preview);
  expect(preview.error ?? preview.result?.vms).toMatchObject([{ vm: 'pgtest1' }]);
  expect(points()).toEqual(before);
  const ghost = await ask<Refused>('POST', '/plans/ghost/prune-preview');
  expect(ghost.body.error.code).toBe('plan.unknown');
});

it('asks a source for its VMs, and says which of them no plan backs up', async () => {
  const begun = await ask<HubDiscovery>('POST', '/sources/lab/discover', {});
  expect([begun.status, begun.location]).toEqual([202, '/api/v1/sources/lab/discovery']);
  await whenEnded<HubDiscovery>('/sources/lab/discovery');
  const { body } = await ask<HubDiscovery>('GET', '/sources/lab/discovery?limit=1');
  schema('hub/discovery.json', body);
  expect(body).toMatchObject({ error: null, node: 'local', total: 2, unprotected: 1 });
  expect(body.vms).toMatchObject([{ name: 'spare', plans: [], reason: expect.stringContaining('No plan') as string }]);
  const next = await ask<HubDiscovery>('GET', `/sources/lab/discovery?limit=1&cursor=${body.next_cursor}`);
  expect(next.body.vms).toMatchObject([{ name: 'pgtest1', plans: ['pgtest1-nightly'], reason: null }]);
  await ask('POST', '/sources/lab/discover', { node: 'ghost' });
  const refused = await whenEnded<HubDiscovery>('/sources/lab/discovery');
  expect(refused.error?.message).toContain('ghost');
});
