import { readdirSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import type { AxiosResponse } from 'axios';
import { OpenAPIClientAxios, type Document, type OpenAPIClient } from 'openapi-client-axios';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type {
  BackupProgressOutput,
  ChangeIdsOutput,
  HubVms,
  PlanOutput,
  RunStartedOutput,
  ShowRunOutput,
  ValidateOutput,
} from '../../src/schemas/types.ts';
import { findRun, type RunRecord } from '../../src/state/runs/runs.ts';
import { askHub, patience, schema, type Answered, type Refused } from './ask-hub.ts';
import { hubProgram, type HubProgram } from './hub-program.ts';
import { backupPlan, makeRaw, restorePlan } from './workspace.ts';

const MiB = 2 ** 20;

type Made<Params, Body, Answer> = (params?: Params | null, body?: Body) => Promise<AxiosResponse<Answer>>;

/** What of it a test uses. */
type MadeClient = OpenAPIClient<{
  login: Made<null, { readonly name: string; readonly password: string }, unknown>;
  listVms: Made<null, never, HubVms>;
  startBackup: Made<null, { readonly vm_name: string }, BackupProgressOutput>;
  showRun: Made<{ readonly id: string }, never, ShowRunOutput>;
}>;

let hub: HubProgram;

beforeAll(async () => {
  hub = await hubProgram();
  const path = (name: string): string => hub.folder.file(name);
  await makeRaw(path('a.raw'), 4 * MiB, [[MiB, MiB]]);
  await makeRaw(path('b.raw'), 2 * MiB, [[0, MiB]]);
  await writeFile(path('nightly.yaml'), backupPlan(['a.raw', 'b.raw']));
  await writeFile(
    path('slow.yaml'),
    backupPlan(['a.raw'], "before: [{ run: [sleep, '600'] }]\n").replaceAll('pgtest1', 'pgtest2'),
  );
  await writeFile(path('back.yaml'), restorePlan('./out'));
  for (const plan of ['nightly.yaml', 'back.yaml']) {
    const { exitCode, stderr } = await hub.run('run', plan);
    if (exitCode !== 0) throw new Error(stderr);
  }
});

afterAll(() => hub[Symbol.asyncDispose]());

const ask = <T>(
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answered<T>> => askHub<T>(hub, method, path, body, headers);

const runOf = (id: string): RunRecord | undefined => findRun(hub.state, id);

const points = (): string[] =>
  readdirSync(hub.folder.file('repository', 'pgtest1')).filter((name) => name.endsWith('.json'));

async function whenComplete(id: string): Promise<BackupProgressOutput> {
  return await vi.waitFor(async () => {
    const { body } = await ask<BackupProgressOutput>('POST', `/backups/${id}/complete`);
    expect(body.status).not.toBe('running');
    return body;
  }, patience);
}

describe('a backup over the API', () => {
  it('is a run of the plan that backs the VM up, and its change ids count when it is complete', async () => {
    const before = points().length;
    const begun = await ask<BackupProgressOutput>('POST', '/backups', { vm_name: 'pgtest1', repository_id: 'primary' });
    expect(begun.status, JSON.stringify(begun.body)).toBe(202);
    schema('hub/backup-progress.json', begun.body);
    expect(begun.location).toBe(`/api/v1/runs/${begun.body.run_id}`);
    expect(begun.body.backup_type).toBe('incremental');
    expect(begun.body.disk_results.map(({ disk }) => disk)).toEqual(['disk-0', 'disk-1']);
    const done = await whenComplete(begun.body.backup_id ?? '');
    schema('hub/backup-progress.json', done);
    expect(done).toMatchObject({ status: 'complete', nbd_targets_string: null, error: null });
    expect(points()).toHaveLength(before + 1);
    expect(points()).toContain(`${done.backup_id}.json`);
    const ids = await ask<ChangeIdsOutput>('GET', '/backups/changeid?vm_name=pgtest1');
    schema('hub/change-ids.json', ids.body);
    expect(ids.body.backup_id).toBe(done.backup_id);
    expect(ids.body.disks.map(({ change_id: id }) => id)).toEqual(done.disk_results.map(({ change_id: id }) => id));
    expect(runOf(begun.body.run_id)?.plan).toBe('pgtest1-nightly');
  });

  it('is begun, and read, by a client that a library has made of the document', async () => {
    const password = 'four random words here';
    await writeFile(hub.folder.file('password'), `${password}\n`, { mode: 0o600 });
    const words = ['--role', 'operator', '--password-file', hub.folder.file('password')];
    expect((await hub.run('user', 'add', 'olga', ...words)).stderr).toBe('');
    const { body: definition } = await ask<Document>('GET', '/openapi.json');
    const client = await new OpenAPIClientAxios({
      definition,
      withServer: { url: hub.url },
      axiosConfigDefaults: { proxy: false, headers: { 'sec-fetch-site': 'same-origin' } },
    }).init<MadeClient>();
    const { headers } = await client.login(null, { name: 'olga', password });
    client.defaults.headers.common['cookie'] = String(headers['set-cookie']).split(';')[0];
    const { vms } = (await client.listVms()).data;
    expect(vms.map(({ vm }) => vm)).toEqual(['pgtest1']);
    const begun = await client.startBackup(null, { vm_name: vms[0]?.vm ?? '' });
    expect(begun.status).toBe(202);
    const ended = await vi.waitFor(async () => {
      const { data } = await client.showRun({ id: begun.data.run_id });
      expect(data.run.finished).not.toBeNull();
      return data.run;
    }, patience);
    expect(ended).toMatchObject({ status: 'succeeded', plan: 'pgtest1-nightly' });
  });

  it('begins once for each key, also when it is asked for twice at the same time', async () => {
    const before = points().length;
    const again = { 'idempotency-key': 'night-1' };
    const full = { vm_name: 'pgtest1', backup_type: 'full' };
    const [one, two] = await Promise.all([0, 1].map(() => ask<BackupProgressOutput>('POST', '/backups', full, again)));
    expect(one?.status, JSON.stringify(one?.body)).toBe(202);
    expect(two).toEqual(one);
    expect((await whenComplete(one?.body.run_id ?? '')).backup_type).toBe('full');
    expect(await ask('POST', '/backups', full, again)).toEqual(one);
    expect(points()).toHaveLength(before + 1);
    const other = await ask<Refused>('POST', '/backups', { vm_name: 'pgtest1' }, again);
    expect([other.status, other.body.error.code]).toEqual([400, 'request.invalid']);
  });

  it('is refused in words where no plan says how', async () => {
    for (const [body, status, text] of [
      [{ vm_name: 'pgtest9' }, 404, 'no plan that the hub knows backs up pgtest9'],
      [{ vm_name: 'pgtest1', repository_id: 'second' }, 404, 'into repository second'],
      [{ vm_name: 'pgtest1', policy_id: 'pgtest1-restore' }, 400, 'does not back up pgtest1'],
      [{ vm_name: 'pgtest1', policy_id: 'none' }, 404, 'no plan none'],
      [{ vm_name: 'pgtest1', backup_type: 'half' }, 400, 'backup_type'],
      [{}, 400, 'vm_name'],
    ] as const) {
      const refused = await ask<Refused>('POST', '/backups', body);
      expect([refused.status, refused.body.error.message]).toEqual([status, expect.stringContaining(text)]);
    }
  });
});

describe('a plan over the API', () => {
  it('need not have run before where plans are edited over HTTP', async () => {
    const text = (await readFile(hub.folder.file('nightly.yaml'), 'utf8')).replaceAll('pgtest1', 'pgtest9');
    await writeFile(hub.folder.file('fresh.yaml'), text);
    const begun = await ask<RunStartedOutput>('POST', '/plans/pgtest9-nightly/runs', {});
    expect(begun.status, JSON.stringify(begun.body)).toBe(202);
    await vi.waitFor(() => expect(runOf(begun.body.run_id)?.status).toBe('succeeded'), patience);
    await rm(hub.folder.file('fresh.yaml'));
    // What has run is known, and its file is gone.
    expect((await ask<Refused>('POST', '/plans/pgtest9-nightly/runs', {})).body.error.code).toBe('plan.unknown');
  });

  it('runs in a process of its own, which outlives the hub and is cancelled as at its terminal', async () => {
    expect((await ask<Refused>('POST', '/plans/no-such-nightly/runs', {})).body.error.code).toBe('plan.unknown');
    const dry = await hub.run('run', 'slow.yaml', '--dry-run');
    expect(dry.exitCode, dry.stderr).toBe(0);
    const first = hub.runAlone('run', 'slow.yaml');
    const firstRun = await vi.waitFor(() => {
      const row = hub.state.first(
        hub.state.query.selectFrom('runs').select('id').where('plan', '=', 'pgtest2-nightly'),
      );
      expect(row).toBeDefined();
      return row?.id ?? '';
    }, patience);
    const twice = await Promise.all([0, 1].map(() => ask('POST', `/runs/${firstRun}/cancel`)));
    for (const asked of twice)
      expect([asked.status, asked.body]).toEqual([202, { version: 1, run_id: firstRun, state: 'asked' }]);
    // A second signal would end it before it has cleaned up.
    expect((await first).exitCode).toBe(130);
    expect(runOf(firstRun)).toMatchObject({ status: 'cancelled', unclean: false });
    expect((await ask('POST', `/runs/${firstRun}/cancel`)).body).toMatchObject({ state: 'ended' });
    const who = { asked_by: null, stopped_by: 'hub-api.token' };
    expect((await ask('GET', `/runs/${firstRun}`)).body).toMatchObject(who);

    const begun = await ask<RunStartedOutput>('POST', '/plans/pgtest2-nightly/runs', {});
    expect(begun.status).toBe(202);
    schema('hub/run-started.json', begun.body);
    const id = begun.body.run_id;
    await hub.end('SIGKILL');
    expect(runOf(id)).toMatchObject({ status: 'running', askedBy: 'hub-api.token' });
    process.kill(runOf(id)?.owner.pid ?? 0, 'SIGTERM');
    await vi.waitFor(() => expect(runOf(id)?.status).toBe('cancelled'), patience);
    await hub.start();
  });

  it('is not run once its file has another plan: who may run it was judged by the one that the hub knows', async () => {
    const plan = backupPlan(['a.raw']).replaceAll('pgtest1', 'pgtest3');
    await writeFile(hub.folder.file('changing.yaml'), plan);
    expect((await hub.run('run', 'changing.yaml')).exitCode).toBe(0);
    const before = points().length;
    const prune = 'kind: prune\nname: pgtest3-nightly\nrepository: primary\nvms: [pgtest1]\nretention: { last: 1 }\n';
    for (const other of [plan.replace('name: pgtest3\n', 'name: pgtest1\n'), prune]) {
      await writeFile(hub.folder.file('changing.yaml'), other);
      for (const path of ['runs', 'preview']) {
        const refused = await ask<Refused>('POST', `/plans/pgtest3-nightly/${path}`, {});
        expect([refused.status, refused.body.error.code], path).toEqual([404, 'plan.unknown']);
        expect(refused.body.error.message).toContain('has been changed');
      }
    }
    expect(points().length).toBe(before);
    await rm(hub.folder.file('changing.yaml'));
    const gone = await ask<Refused>('POST', '/plans/pgtest3-nightly/runs', {});
    expect([gone.status, gone.body.error.message]).toEqual([404, 'the file of the plan pgtest3-nightly is gone']);
    await writeFile(hub.folder.file('changing.yaml'), `${plan}\n# Of other words.\n`);
    // A mode makes another kind of backup of it, and of the run that is judged by.
    for (const mode of ['incremental', 'full', undefined, 'incremental', undefined]) {
      expect((await ask('POST', '/plans/pgtest3-nightly/preview', { ...(mode && { mode }) })).status, mode).toBe(200);
      const begun = await ask<RunStartedOutput>('POST', '/plans/pgtest3-nightly/runs', { ...(mode && { mode }) });
      expect(begun.status, mode).toBe(202);
      await vi.waitFor(() => expect(runOf(begun.body.run_id)?.status).toBe('succeeded'), patience);
    }
  });

  it('is validated with line and column, and shown step by step', async () => {
    const wrong = await ask<ValidateOutput>('POST', '/plans/validate', {
      text: backupPlan(['a.raw']).replace('primary', 'none'),
    });
    schema('output/validate.json', wrong.body);
    expect(wrong.body.valid).toBe(false);
    expect(wrong.body.diagnostics[0]).toMatchObject({ line: 10 });
    const right = await ask<ValidateOutput>('POST', '/plans/validate', { text: backupPlan(['a.raw']) });
    expect(right.body.valid).toBe(true);
    const shown = await ask<PlanOutput>('POST', '/plans/pgtest1-nightly/preview', { mode: 'full' });
    expect(shown.status, JSON.stringify(shown.body)).toBe(200);
    schema('output/plan.json', shown.body);
    const noMode = await ask<Refused>('POST', '/plans/pgtest1-restore/runs', { mode: 'full' });
    expect(noMode.body.error.message).toContain('has no mode');
  });

  it('is shown step by step before it is saved, and nothing begins', async () => {
    const count = (): number => readdirSync(hub.folder.path).length;
    const before = [count(), points().length];
    const text = backupPlan(['../a.raw'], 'before: [{ run: [touch, was-here] }]\n');
    const shown = await ask<PlanOutput>('POST', '/plans/preview', { text, file: 'deep/new.yaml', mode: 'full' });
    expect(shown.status, JSON.stringify(shown.body)).toBe(200);
    schema('output/plan.json', shown.body);
    expect(shown.body.disks.map(({ mode }) => mode)).toEqual(['full']);
    expect([count(), points().length]).toEqual(before);
    const wrong = await ask<Refused>('POST', '/plans/preview', { text: text.replace('primary', 'none') });
    expect([wrong.status, wrong.body.error.code]).toEqual([422, 'plan.invalid']);
    // Longer than what the hub looks at by itself.
    const long = `${'# much to say\n'.repeat(4000)}${text.replace('primary', 'none')}`;
    const far = await ask<ValidateOutput>('POST', '/plans/validate', { text: long, file: 'deep/new.yaml' });
    expect(far.body.diagnostics.map(({ file, line }) => [file, line])).toEqual([
      [hub.folder.file('deep/new.yaml'), 4010],
    ]);
  });
});

describe('a restore point over the API', () => {
  it('is protected, and let go of again', async () => {
    const id = points()[0]?.replace('.json', '') ?? '';
    const kept = await ask('PUT', `/backups/${id}/protection`, { until: null, reason: 'audit' });
    expect(kept.body).toMatchObject({ backup_id: id, protected: { by: 'hub-api.token', reason: 'audit' } });
    schema('output/protect.json', kept.body);
    const past = await ask<Refused>('PUT', `/backups/${id}/protection`, { until: 1 });
    expect(past.body.error.message).toContain('over already');
    expect((await ask('DELETE', `/backups/${id}/protection`)).body).toMatchObject({ protected: null });
    expect((await ask<Refused>('PUT', '/backups/none/protection', { until: null })).body.error.code).toBe(
      'point.unknown',
    );
  });

  it('is verified by a run', async () => {
    const begun = await ask<RunStartedOutput>('POST', '/verifications', { repository: 'primary', vms: ['pgtest1'] });
    expect([begun.status, begun.body.plan]).toEqual([202, null]);
    await vi.waitFor(() => expect(runOf(begun.body.run_id)?.status).toBe('succeeded'), patience);
    const none = await ask<Refused>('POST', '/verifications', { repository: 'none' });
    expect(none.status, JSON.stringify(none.body)).toBe(400);
  });

  it('schedules that nobody has are told as such', async () => {
    for (const what of ['pause', 'resume'])
      expect(
        (await ask<Refused>('POST', `/schedules/none/${what}`, what === 'pause' ? {} : undefined)).body,
      ).toMatchObject({
        error: { code: 'schedule.unknown' },
      });
  });
});
