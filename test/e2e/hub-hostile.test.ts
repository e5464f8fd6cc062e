/** What an enemy, or a client that is wrong, asks of a real hub. */
import { rename, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  DoctorOutput,
  GcOutput,
  HubBackups,
  HubPointChosen,
  HubRestoreTargets,
  RunStartedOutput,
} from '../../src/schemas/types.ts';
import { listRuns } from '../../src/state/runs/runs.ts';
import { askHub, logInAt, whenEnded, type Answered, type Refused } from './ask-hub.ts';
import { endFilesKeeper } from './files-keepers.ts';
import { hubProgram, type HubProgram } from './hub-program.ts';
import { backupPlan, makeRaw } from './workspace.ts';

const MiB = 2 ** 20;
const password = 'four random words here';

let hub: HubProgram;
let oscar: Readonly<Record<string, string>>;
let points: readonly string[];

beforeAll(async () => {
  hub = await hubProgram('hub.restoreTo: [./restored]');
  const path = (name: string): string => hub.folder.file(name);
  await makeRaw(path('a.raw'), 4 * MiB, [[MiB, MiB]]);
  const hourly = "schedule: { cron: '0 * * * *', timezone: UTC }\n";
  await writeFile(path('web1.yaml'), backupPlan(['a.raw'], hourly).replaceAll('pgtest1', 'web1'));
  await writeFile(path('web2.yaml'), backupPlan(['a.raw']).replaceAll('pgtest1', 'web22'));
  const every = 'version: 1\nrepository: primary\n';
  await writeFile(path('prune.yaml'), `${every}kind: prune\nname: prune\nretention: { last: 9 }\n${hourly}`);
  await writeFile(path('back.yaml'), `${every}kind: restore\nname: back\nvm: { name: web1 }\nto: { directory: ./x }\n`);
  await writeFile(path('password'), `${password}\n`, { mode: 0o600 });
  for (const words of [
    ...['web1.yaml', 'web1.yaml', 'web1.yaml', 'web2.yaml', 'prune.yaml', 'back.yaml'].map((plan) => ['run', plan]),
    ['schedule', 'backfill', 'prune.yaml', '--from', '2026-11-20T00:00:00Z', '--dry-run'],
    ['user', 'add', 'anna', '--role', 'admin', '--password-file', path('password')],
    ['user', 'add', 'oscar', '--role', 'operator', '--vm', 'web?', '--password-file', path('password')],
  ]) {
    const { exitCode, stderr } = await hub.run(...words);
    if (exitCode !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
  }
  oscar = await logInAt(hub, 'oscar', password);
  const { body } = await ask<HubBackups>('GET', '/backups?vm_name=web1');
  points = body.backups.map(({ backup_id: id }) => id);
});

afterAll(() => hub[Symbol.asyncDispose]());

const ask = <T>(
  method: string,
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answered<T>> => askHub<T>(hub, method, path, body, headers);

const refused = async (...request: Parameters<typeof ask>): Promise<[number, string]> => {
  const { status, body } = await ask<Refused>(...request);
  return [status, body.error.code];
};

const invalid = [400, 'request.invalid'];

describe('what no program and no calendar can be handed', () => {
  it('is the caller’s fault: NUL, in whatever part of the request', async () => {
    const nul = 'x\0y';
    for (const [method, path, body] of [
      ['DELETE', `/backups/${points[0]}?repository=x%00y`],
      ['GET', '/kvm/attached?vm=%00'],
      ['POST', '/credentials/a%00b/test', {}],
      ['POST', '/verifications', { repository: nul }],
      ['POST', '/verifications/preview', { repository: 'primary', point: nul }],
      ['POST', '/boots', { vm: 'web1', point: nul }],
    ] as const)
      expect(await refused(method, path, body), path).toEqual(invalid);
  });

  it('is the caller’s fault: times beyond all dates', async () => {
    const path = '/schedules/web1-nightly/backfill';
    for (const span of [{ from: 0, to: 2 ** 53 - 1 }, { from: 2 ** 53 - 1 }, { from: 8.64e15 + 1000 }])
      expect(await refused('POST', path, { ...span, dry_run: true })).toEqual(invalid);
  });
});

describe('a request that comes again with its key', () => {
  it('gets the same answer though what it was about is gone since', async () => {
    const again = (): Promise<Answered<RunStartedOutput>> =>
      ask('DELETE', `/backups/${points[1]}`, undefined, { 'idempotency-key': 'gone' });
    const first = await again();
    expect(first.status, JSON.stringify(first.body)).toBe(202);
    expect((await whenEnded(hub, first.body.run_id)).status).toBe('succeeded');
    expect(await again()).toEqual(first);
    expect(await refused('DELETE', `/backups/${points[1]}`)).toEqual([404, 'point.unknown']);
  });

  it('is the same in whatever order its keys stand', async () => {
    const key = { 'idempotency-key': 'order' };
    const to = { directory: hub.folder.file('restored', 'order'), format: 'qcow2' };
    const first = await ask<RunStartedOutput>('POST', '/restores', { vm: 'web1', to }, key);
    expect(first.status, JSON.stringify(first.body)).toBe(202);
    const turned = { to: Object.fromEntries(Object.entries(to).toReversed()), vm: 'web1' };
    expect((await ask('POST', '/restores', turned, key)).body).toEqual(first.body);
    expect(await refused('POST', '/restores', { vm: 'web1', to, disks: [0] }, key)).toEqual(invalid);
    await whenEnded(hub, first.body.run_id);
  });
});

it('a restore of a restore point that there is not is refused, and is no run', async () => {
  const runs = listRuns(hub.state, {}).length;
  const to = { directory: hub.folder.file('restored', 'none') };
  for (const [more, code] of [
    [{ point: '20200101T000000Z-aaaaaa' }, 'point.unknown'],
    [{ point: '2020-01-01' }, 'point.unknown'],
    [{ identity: 'another' }, 'point.unknown'],
  ] as const)
    expect((await refused('POST', '/restores', { vm: 'web1', to, ...more }))[1]).toBe(code);
  expect(listRuns(hub.state, {})).toHaveLength(runs);
});

it('chooses a restore point by the words that a restore takes', async () => {
  const chosen = async (point: unknown): Promise<unknown> =>
    (await ask<HubPointChosen>('POST', '/backups/choose', { vm_name: 'web1', point })).body.backup_id;
  for (const point of ['latest', ' Latest', 'before 2100-01-01', points[0], { at: new Date().toISOString() }])
    expect(await chosen(point), JSON.stringify(point)).toBe(points[0]);
  expect(await refused('POST', '/backups/choose', { vm_name: 'web1', point: 'before 2020-01-01' })).toEqual([
    404,
    'point.unknown',
  ]);
  for (const point of ['3 days ago', '2026-02-30', { before: 'today' }])
    expect(await refused('POST', '/backups/choose', { vm_name: 'web1', point })).toEqual(invalid);
});

it('what destroys by the name of a plan asks for the password, too', async () => {
  const anna = await logInAt(hub, 'anna', password);
  const own = hub.state.query.updateTable('sessions').where('user', '=', 'anna');
  hub.state.run(own.set({ proven: 0 }));
  const stale = [403, 'access.stale'];
  expect(await refused('POST', '/plans/prune/runs', {}, anna)).toEqual(stale);
  expect(await refused('POST', '/plans/back/runs', {}, anna)).toEqual(stale);
  const from = Date.now() - 5 * 3_600_000;
  expect(await refused('POST', '/schedules/prune/backfill', { from }, anna)).toEqual(stale);
});

describe('an operator of some VMs', () => {
  it('verifies one of them, and sees how that goes', async () => {
    const asked = (vms?: readonly string[]): Promise<[number, string]> =>
      refused('POST', '/verifications/preview', { repository: 'primary', ...(vms && { vms }) }, oscar);
    const denied = [403, 'access.right'];
    // The name `web*` fits the pattern `web?`, and as a pattern it fits web22.
    for (const vms of [undefined, ['web*'], ['*'], ['web22'], ['web1', 'web22']])
      expect(await asked(vms)).toEqual(denied);
    const begun = await ask<RunStartedOutput>(
      'POST',
      '/verifications',
      { repository: 'primary', vms: ['web1'] },
      oscar,
    );
    expect(begun.status, JSON.stringify(begun.body)).toBe(202);
    expect((await ask('GET', `/runs/${begun.body.run_id}`, undefined, oscar)).status).toBe(200);
    expect(await whenEnded(hub, begun.body.run_id)).toMatchObject({ vm: 'web1', status: 'succeeded' });
  });

  it('does nothing to the whole hub', async () => {
    for (const path of ['/upkeep', '/recover', '/repositories/measure', '/nodes/none/doctor'])
      expect(await refused('POST', path, {}, oscar), path).toEqual([403, 'access.right']);
  });
});

it('a repository that is gone is not passed over, and its restore points are not called damaged', async () => {
  const [there, away] = [hub.folder.file('repository'), hub.folder.file('away')];
  await rename(there, away);
  try {
    const { body } = await ask<GcOutput>('POST', '/repositories/gc', { dry_run: true });
    expect(body.repositories).toMatchObject([{ repository: 'primary', skipped: [{ vm: '*' }] }]);
    expect(await refused('POST', '/restore/mount', { vm: 'web1' })).toEqual([409, 'repository.unusable']);
    const here = await hub.run('repo', 'gc', '--dry-run');
    expect([here.exitCode, here.stdout]).toEqual([3, expect.stringContaining('skipped all VMs: there is none at')]);
  } finally {
    await rename(away, there);
    await endFilesKeeper({ path: (...names: string[]) => hub.folder.file(...names) });
  }
});

it('knows nodes that joined, or got another name, since it was started', async () => {
  hub.enrol('late');
  const found = async (name: string): Promise<unknown> => {
    const { body } = await ask<DoctorOutput>('POST', `/nodes/${name}/doctor`);
    return body.checks.map(({ id, code }) => [id, code]);
  };
  expect(await found('late')).toEqual([['hub.api', 'node.unreachable']]);
  expect((await ask<HubRestoreTargets>('GET', '/restores/targets')).body.nodes).toEqual(['late']);
  expect((await ask('POST', '/nodes/late/rename', { to: 'later' })).status).toBe(200);
  expect(await found('later')).toEqual([['hub.api', 'node.unreachable']]);
  expect(await refused('POST', '/nodes/late/doctor')).toEqual([404, 'node.unknown']);
});
