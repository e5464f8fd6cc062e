/** `sendense-run --hub` for what changes, checks and cleans up: the same as at the hub. All of it is in one process, which is quick. */
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { careRoutes } from '../../src/hub/routes/care/index.ts';
import { hubApi } from '../../src/hub/routes/index.ts';
import type {
  CheckOutput,
  CopyOutput,
  HubGroup,
  PruneOutput,
  RunStartedOutput,
  ShowRunOutput,
} from '../../src/schemas/types.ts';
import { askAll, type AskedRoute } from '../api/documented.ts';
import { raw } from '../node/raw-request.ts';
import { backupPlan, makeRaw } from '../e2e/workspace.ts';
import { innerHub, type InnerHub } from './inner-hub.ts';
import type { CliResult } from './run-cli.ts';

const MiB = 2 ** 20;
let hub: InnerHub;

beforeAll(async () => {
  hub = await innerHub(`version: 1
repositories: { primary: { path: ./repository }, second: { path: ./second }, third: { path: ./third } }
sources: { images: { type: image, vms: { pgtest1: { disks: [{ path: a.raw }] } } } }
`);
  await makeRaw(hub.folder.file('a.raw'), 4 * MiB, [[MiB, MiB]]);
  await writeFile(hub.folder.file('nightly.yaml'), backupPlan(['a.raw']));
  for (let night = 0; night < 3; night++) {
    const { exitCode, stderr } = await hub.at('run', hub.folder.file('nightly.yaml'));
    if (exitCode !== 0) throw new Error(stderr);
  }
});

afterAll(() => hub?.[Symbol.asyncDispose]());

const from = (...words: readonly string[]): Promise<CliResult> => hub.from(words);

/** Ages grow meanwhile, and others write to the disk. */
const still = (text: string): string =>
  text
    .replaceAll(`${hub.folder.path}/`, '')
    .replaceAll(/\b\d+(\.\d+)? ?(ms|s|m|min|h)\b( ago)?/g, 'a while')
    .replaceAll(/[\d.]+ [GT]iB/g, 'much')
    .replaceAll(/"(age_ms|now|time|free|used|measured|size|duration_ms|allocated_bytes)":\d+/g, '"$1":0');

const firstLine = (text: string): string => text.split('\n')[0] ?? '';

test.each(
  [
    ['schedule', 'next', '--json'],
    ['schedule', 'next', 'nobody'],
    ['schedule', 'history', '--json'],
    ['schedule', 'history', 'nobody'],
    ['history', '--daily'],
    ['history', '--daily', '--json', '--limit', '1'],
    ['check', '--repository', 'primary'],
    ['check', '--json'],
    ['check', 'pgtest1', '--quick', '--json'],
    ['check', 'nobody'],
    ['verify', '--repository', 'primary', '--dry-run', '--level', 'quick'],
    ['verify', '--dry-run', '--level', 'quick'],
    ['prune', '--repository', 'primary', '--keep-last', '1', '-n'],
    ['prune', '--repository', 'primary', '--keep-last', '1', '-n', '--json'],
    ['prune', '--keep-last', '0', '-n'],
    ['prune', '--keep-last', '1'],
    ['prune', '--vm', 'pgtest1', '--point', 'latest', '-n'],
    ['prune', '--point', 'ghost', '-n'],
    ['show', 'pgtest1', '--point', 'latest'],
    ['show', 'pgtest1', '--point', '2001-01-01'],
    ['recover'],
    ['recover', '--json'],
    ['recover', '--ended', 'ghost'],
    ['repo', 'usage'],
    ['repo', 'usage', 'primary', '--json'],
    ['repo', 'show'],
    ['repo', 'show', 'ghost'],
    ['repo', 'gc', '--dry-run', '--json'],
    ['repo', 'gc'],
    ['repo', 'import', 'primary'],
    ['repo', 'import', 'ghost'],
    ['repo', 'repair', 'primary'],
    ['repo', 'copy', 'pgtest1', '--from', 'primary', '--to', 'primary'],
    ['repo', 'copy', 'nobody', '--to', 'primary'],
    ['discover', 'images', '--json'],
    ['discover', 'ghost'],
    ['adopt', 'nobody', '--identity', 'x'],
    ['notify', 'test'],
    ['notify', 'flush'],
    ['credentials', 'list', '--json'],
    ['credentials', 'remove', 'ghost'],
    ['credentials', 'rotate', 'ghost'],
    ['credentials', 'test', 'ghost'],
    ['user', 'sessions'],
    ['user', 'sessions', 'nobody'],
    ['user', 'sessions', '--end', 'ghost'],
    ['node', 'rename', 'nobody', 'other'],
    ['node', 'revoke', 'nobody'],
    ['node', 'remove', 'nobody'],
    ['boot', 'keep', 'nobody'],
    ['boot', 'move', 'nobody', '--to', '/srv'],
  ].map((words) => [words.join(' '), words] as const),
)('%s prints and ends as at the hub', async (_line, words) => {
  const there = await hub.at(...words);
  const here = await from(...words);
  expect(still(here.stdout)).toBe(still(there.stdout));
  expect(here.exitCode).toBe(there.exitCode);
  if (here.exitCode !== 0) expect(still(firstLine(here.stderr))).toBe(still(firstLine(there.stderr)));
});

test('nodes and credentials are managed as at the hub, and no password is in a command line', async () => {
  const secret = hub.folder.file('secret');
  await writeFile(secret, 'not this one\n', { mode: 0o600 });
  const added = await from('credentials', 'add', 'lab', '--user', 'anna', '--password-file', secret);
  expect(added).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('is stored') });
  const again = await from('credentials', 'add', 'lab', '--user', 'anna', '--password-file', secret);
  expect(again).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('there is a credential lab already') });
  expect((await from('credentials', 'rotate', 'lab', '--password-file', secret)).exitCode).toBe(0);
  expect((await from('credentials', 'list')).stdout).toBe((await hub.at('credentials', 'list')).stdout);
  expect((await from('credentials', 'remove', 'lab')).exitCode).toBe(0);
  const node = JSON.parse((await from('node', 'add', 'site-b', '--expires', '5m', '--json')).stdout) as object;
  expect(Object.keys(node)).toContain('token');
  expect((await from('node', 'add', 'site-b', '--again')).exitCode).toBe(0);
  expect((await from('node', 'rename', 'site-b', 'site-c')).stdout).toContain('was site-b before');
  expect((await from('node', 'list')).stdout).toBe((await hub.at('node', 'list')).stdout);
  expect((await from('node', 'revoke', 'site-c')).exitCode).toBe(0);
  expect((await from('node', 'remove', 'site-c')).exitCode).toBe(0);
});

test('a restore point is removed and a prune is run, each by a run of the hub', async () => {
  const ids = async (): Promise<string[]> =>
    (JSON.parse((await from('list', 'pgtest1', '--json')).stdout) as { points: { backup_id: string }[] }).points.map(
      ({ backup_id: id }) => id,
    );
  const before = await ids();
  const [first = ''] = before;
  const removed = await from('prune', '--point', first, '--yes', '--json');
  expect(removed.exitCode, removed.stderr).toBe(0);
  expect(JSON.parse(removed.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
    kind: 'prune',
    status: 'succeeded',
  });
  expect(await ids()).toEqual(before.slice(1));
  const newest = await from('prune', '--vm', 'pgtest1', '--point', 'latest', '--yes');
  expect(newest).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('prune.refused') });
  expect(await from('prune', '--plan', 'pgtest1-nightly', '-n')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('has no retention'),
  });
});

const json = <T>(text: string): T => JSON.parse(text.trim().split('\n').at(-1) ?? '') as T;

const idsOf = async (): Promise<string[]> =>
  json<{ points: { backup_id: string }[] }>(
    (await hub.at('list', 'pgtest1', '--repository', 'primary', '--json')).stdout,
  ).points.map(({ backup_id: id }) => id);

test('a restore point that is named goes, merged into what is built on it, and the others stay as they were', async () => {
  for (let more = 0; more < 2; more++) await hub.at('run', hub.folder.file('nightly.yaml'));
  const ids = await idsOf();
  const [first = '', second = '', third = ''] = ids;
  const dry = await hub.at('prune', '--point', second, '--dry-run', '--json');
  expect(dry.exitCode, dry.stderr).toBe(0);
  const { points = [] } = json<PruneOutput>(dry.stdout).vms[0] ?? {};
  expect(points.map(({ keep, reasons, merges }) => (keep ? reasons.join() : merges.map(({ into }) => into)))).toEqual(
    ['not named', [third], ...ids.slice(3).map(() => 'not named'), 'newest'].slice(0, ids.length),
  );
  const text = await hub.at('prune', '--point', second, '-n');
  expect(text.stdout).toMatch(/Removal of 1 restore point in repository primary/);
  expect(text.stdout).not.toContain(`stays  ${first}`);
  expect((await hub.at('prune', '--point', second, '--yes')).exitCode).toBe(0);
  expect(await idsOf()).toEqual(ids.filter((id) => id !== second));
  const checked = await hub.at('check', '--json');
  expect(json<CheckOutput>(checked.stdout)).toMatchObject({ ok: true, points_checked: ids.length - 1 });
});

test('one that is protected, the newest, or of nobody stays, with the reason and without a notice', async () => {
  const ids = await idsOf();
  const [first = '', second = ''] = ids;
  const newest = ids.at(-1) ?? '';
  await hub.at('protect', first);
  const calls: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['--point', newest, '--yes'], 1, /prune\.refused: restore point \S+ stays: it is the newest sound one/],
    [['--point', first, '--point', second, '--yes'], 1, new RegExp(`point ${first} stays: protected`)],
    [['--point', first, '-n'], 1, /stays .*protected/],
    [['--point', 'ghost', '--yes'], 1, /there is no restore point ghost/],
    [['--point', second, '--keep-last', '1', '-n'], 2, /leave --plan and the rules out/],
    [['--vm', 'pgtest1', '--vm', 'b', '--point', 'latest', '-n'], 2, /of one VM/],
    [['--vm', 'pgtest1', '--point', 'latest', '-n'], 1, /stays .*newest/],
    [['--point', second], 2, /needs --yes/],
  ];
  for (const [words, code, why] of calls) {
    const { exitCode, stdout, stderr } = await hub.at('prune', ...words);
    expect(`${stdout}${stderr}`, words.join(' ')).toMatch(why);
    expect(exitCode, words.join(' ')).toBe(code);
  }
  expect(await idsOf()).toEqual(ids);
  const { notices } = json<{ notices: { event: string }[] }>((await hub.at('notify', 'history', '--json')).stdout);
  expect(notices.filter(({ event }) => event === 'prune-trouble')).toEqual([]);
  await hub.at('unprotect', first);
});

test('over HTTP a restore point is removed by a run of kind prune, and refused with the reason', async () => {
  const ids = await idsOf();
  const [oldest = '', newest = ''] = [ids[0], ids.at(-1)];
  const refused = await raw(hub, 'DELETE', `/api/v1/backups/${newest}`);
  expect([refused.status, refused.body.error.code]).toEqual([409, 'prune.refused']);
  expect(refused.body.error.message).toContain('it is the newest sound one of its VM');
  expect((await raw(hub, 'DELETE', '/api/v1/backups/ghost')).body.error.code).toBe('point.unknown');
  const begun = await raw<RunStartedOutput>(hub, 'DELETE', `/api/v1/backups/${oldest}`);
  expect([begun.status, begun.headers['location']]).toEqual([202, `/api/v1/runs/${begun.body.run_id}`]);
  expect(await idsOf()).toEqual(ids.slice(1));
  const shown = await hub.at('show', begun.body.run_id, '--json');
  expect(json<ShowRunOutput>(shown.stdout).run).toMatchObject({ kind: 'prune', status: 'succeeded' });
});

test('a group is shown with its VMs, and run', async () => {
  await writeFile(
    hub.folder.file('all.yaml'),
    'version: 1\nkind: group\nname: all\nsource: images\nmembers: [{ name: "pg*" }]\nrepository: second\n',
  );
  expect((await raw(hub, 'GET', '/api/v1/groups/all')).body.error.code).toBe('plan.unknown');
  const first = await hub.at('run', hub.folder.file('all.yaml'));
  expect(first.exitCode, first.stderr).toBe(0);
  const begun = await raw<RunStartedOutput>(hub, 'POST', '/api/v1/groups/all/runs', '', { 'content-type': undefined });
  expect(begun.status, JSON.stringify(begun.body)).toBe(202);
  const { body } = await raw<HubGroup>(hub, 'GET', '/api/v1/groups/all');
  expect(body).toMatchObject({
    plan: { plan: 'all', kind: 'group' },
    last_run: { run_id: begun.body.run_id, status: 'succeeded' },
    running: false,
    members: [{ vm: 'pgtest1', waits: false, run: { status: 'succeeded' } }],
  });
});

test('every route that keeps order answers what it announces', async () => {
  const [point = ''] = await idsOf();
  const posts = (id: string, params: Record<string, string> = {}, body: object | undefined = {}): AskedRoute => [
    id,
    params,
    body === undefined ? undefined : JSON.stringify(body),
    body === undefined ? { 'content-type': undefined } : undefined,
  ];
  const asked: readonly AskedRoute[] = [
    posts('choosePoint', {}, { vm_name: 'pgtest1', repository: 'primary' }),
    posts('choosePoint', {}, { vm_name: 'ghost' }),
    posts('previewRemoval', { id: point }, undefined),
    posts('previewRemoval', { id: 'ghost' }, undefined),
    ['removeBackup', { id: 'ghost' }],
    posts('previewVerification', {}, { repository: 'primary', vms: ['pgtest1'], boot: { accel: 'tcg' }, files: true }),
    posts('previewVerification', {}, { repository: 'ghost' }),
    posts('previewPrune', {}, { retention: { last: 1 }, repository: 'primary' }),
    posts('previewPrune', {}, { points: [point] }),
    posts('previewPrune', {}, { plan: 'ghost' }),
    posts('previewPrune', {}, {}),
    posts('startPrune', {}, { retention: { last: 9 }, repository: 'primary' }),
    posts('startPrune', {}, { points: ['ghost'] }),
    posts('measureRepositories'),
    posts('measureRepositories', {}, { repository: 'ghost' }),
    posts('collectGarbage', {}, { dry_run: true }),
    posts('collectGarbage', {}, { repository: 'primary', purge: true }),
    posts('importRepository', { name: 'primary' }, { forget_missing: true }),
    posts('importRepository', { name: 'ghost' }),
    posts('repairRepository', { name: 'primary' }, undefined),
    posts('repairRepository', { name: 'ghost' }, undefined),
    posts('copyPoints', { name: 'primary' }, { vm: 'pgtest1', to: 'second' }),
    posts('copyPoints', { name: 'primary' }, { to: 'second' }),
    ['showCopy', { name: 'primary' }],
    posts('recoverRuns'),
    posts('recoverRuns', {}, { ended: 'ghost' }),
    posts('keepHouse', {}, undefined),
    posts('flushNotices', {}, undefined),
    posts('adoptVm', { vm: 'ghost' }, { identity: 'x' }),
    posts('adoptVm', { vm: 'pgtest1' }, { identity: '503e8f4a-6f2b-4a5e-9d57-1c7e5b0f3a11', repository: 'primary' }),
    posts('forgetBoot', { id: point }, { boot: 'boot-0b1b3831' }),
    ['listGroups'],
    ['showGroup', { name: 'all' }],
    ['showGroup', { name: 'ghost' }],
    posts('runGroup', { name: 'ghost' }, undefined),
    ['nextSlots'],
    ['pastSlots'],
    ['dailyRuns'],
    posts('sourceVms', { name: 'images' }, { vm: 'pgtest1' }),
    posts('sourceVms', { name: 'ghost' }),
  ];
  const ids = new Set(asked.map(([id]) => id));
  const own = hubApi.routes.filter(({ id }) => ids.has(id));
  for (const { id } of careRoutes) expect(ids.has(id), id).toBe(true);
  // Those go well in tests of their own, where there is what they are about.
  const elsewhere = ['showCopy', 'removeBackup', 'forgetBoot', 'runGroup'];
  // This one does, or meets a run that was started before it and still works on the VM (`run.locked`).
  const either = 'adoptVm';
  expect((await askAll(hub, own, asked)).filter((id) => id !== either)).toEqual(elsewhere);
});

test('restore points are copied to another repository of the hub', async () => {
  // The one that a test before has begun is waited for, and not begun anew.
  await from('repo', 'copy', 'pgtest1', '--from', 'primary', '--to', 'second');
  const copied = await from('repo', 'copy', 'pgtest1', '--from', 'primary', '--to', 'third', '--json');
  expect(copied.exitCode, copied.stderr).toBe(0);
  expect(json<CopyOutput>(copied.stdout)).toMatchObject({ to: 'third', move: false });
  const listed = await hub.at('list', '--repository', 'third', '--json');
  expect(json<{ points: object[] }>(listed.stdout).points).toHaveLength((await idsOf()).length);
});
