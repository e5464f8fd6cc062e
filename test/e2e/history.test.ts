import { execa } from 'execa';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, copyFile, readFile, rm, symlink, writeFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runLogFile } from '../../src/hub/runs/run-log/place.ts';
import type { HistoryOutput, ListOutput, RunEvent, ShowRunOutput } from '../../src/schemas/types.ts';
import { describeErrors, validatorOf } from '../../src/schemas/validator.ts';
import { openState } from '../../src/state/database/open-state.ts';
import { parseExposition } from '../support/exposition.ts';
import { leftovers } from './nothing-left.ts';
import {
  backupPlan,
  defaultSettings,
  disksOf,
  makeRaw,
  program,
  restorePlan,
  sameBytes,
  workspace,
  writeAt,
  type Workspace,
} from './workspace.ts';
import { randomBytes } from '../support/random.ts';

const MiB = 1024 * 1024;

async function pgtest1(work: Workspace, more = ''): Promise<void> {
  await makeRaw(work.path('disk0.raw'), 8 * MiB, [[0, 2 * MiB]]);
  await work.write('nightly.yaml', backupPlan(['disk0.raw'], more));
}

async function json<T>(work: Workspace, schema: string, ...args: string[]): Promise<T> {
  const { stdout, stderr } = await work.call([...args, '--json']);
  const value = JSON.parse(stdout || stderr) as T;
  const validate = validatorOf(schema);
  expect(validate(structuredClone(value)), describeErrors(validate.errors)).toBe(true);
  return value;
}

const list = (work: Workspace): Promise<ListOutput> => json<ListOutput>(work, 'output/list.json', 'list');

describe('history, show and logs', () => {
  test('tell of every run, and a log has its events and no secret', { timeout: 300_000 }, async () => {
    await using work = await workspace();
    await work.write('secret', 'canary-5b21c0ffee\n');
    await chmod(work.path('secret'), 0o600);
    await pgtest1(
      work,
      `before:
  - run: [sh, -c, 'echo "token is $TOKEN"; echo "$TOKEN" >&2']
    env: { TOKEN: { secret: { file: ./secret } } }
`,
    );
    await work.write('broken.yaml', backupPlan(['missing.raw']).replace('pgtest1-nightly', 'broken'));
    const good = await work.run('nightly.yaml');
    expect(good.finished.status).toBe('succeeded');
    const bad = await work.run('broken.yaml');
    expect(bad.finished.status).toBe('failed');

    const { runs } = await json<HistoryOutput>(work, 'output/history.json', 'history');
    expect(runs.map(({ run_id: id, status }) => [id, status])).toEqual([
      [bad.finished.run_id, 'failed'],
      [good.finished.run_id, 'succeeded'],
    ]);
    expect(runs[1]).toMatchObject({ trigger: 'manual', bytes_transferred: 2 * MiB, repository: 'primary' });
    const failed = await json<HistoryOutput>(work, 'output/history.json', 'history', '--status', 'failed', '-n', '1');
    expect(failed.runs.map(({ plan }) => plan)).toEqual(['broken']);
    const daily = await json<HistoryOutput>(work, 'output/history.json', 'history', '--daily', '--since', '2d');
    expect(daily.days?.map(({ plan, succeeded, failed: lost }) => [plan, succeeded, lost])).toEqual([
      ['broken', 0, 1],
      ['pgtest1-nightly', 1, 0],
    ]);
    expect((await work.call(['history', '--since', 'whenever'])).exitCode).toBe(2);

    const logged = (await work.call(['logs', good.finished.run_id, '--json'])).stdout.split('\n').filter(Boolean);
    const events = logged.map((line) => JSON.parse(line) as RunEvent);
    const kept = (all: readonly RunEvent[]): RunEvent[] => all.filter(({ type }) => type !== 'step.progress');
    expect(kept(events)).toEqual(kept(good.events));
    const told = await work.call(['logs', good.finished.run_id]);
    expect(told.stdout).toContain('Copy the disks');
    expect(told.stdout).toContain('succeeded');
    expect((await work.call(['logs'])).stdout).toContain('broken: backup of pgtest1');
    const step = await work.call(['logs', good.finished.run_id, '--step', 'transfer']);
    expect(step.stdout).not.toContain('Commit');
    expect((await work.call(['logs', good.finished.run_id, '--step', 'nothing'])).exitCode).toBe(2);
    expect((await work.call(['logs', 'no-such-run'])).stderr).toContain('run.unknown');

    const shown = await json<ShowRunOutput>(work, 'output/show-run.json', 'show', '--run', good.finished.run_id);
    expect(shown).toMatchObject({ trigger: 'manual', slot: null, parent_run: null, children: [] });
    expect(shown.log).toBe(runLogFile(work.path('state/sendense.db'), good.finished.run_id));
    const files = readdirSync(work.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const holding = files
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => readFileSync(file).includes('canary-5b21c0ffee'));
    expect(holding).toEqual([work.path('secret')]);
    expect(leftovers(work.folder)).toEqual([]);
  });

  test('a log is followed from another process until the run ends', { timeout: 300_000 }, async () => {
    await using work = await workspace();
    await pgtest1(work, `before:\n  - run: [sh, -c, 'until [ -e go ]; do sleep 0.05; done; echo gone on']\n`);
    const running = work.run('nightly.yaml');
    const begun = async (): Promise<boolean> =>
      existsSync(work.path('state/sendense.db')) && (await work.call(['logs'])).stdout.includes('Run a command');
    await expect.poll(begun, { timeout: 200_000, interval: 200 }).toBe(true);
    const following = execa(process.execPath, [program, 'logs', '--follow'], {
      cwd: work.folder,
      env: { NO_COLOR: '1' },
      timeout: 300_000,
      reject: false,
    });
    let seen = '';
    const { promise: first, resolve } = Promise.withResolvers<void>();
    following.stdout.on('data', (piece: Buffer) => {
      seen += piece.toString();
      if (seen.includes('run ')) resolve();
    });
    await first;
    await writeFile(work.path('go'), '');
    const outcome = await running;
    const followed = await following;
    expect(outcome.exitCode).toBe(0);
    expect(followed.exitCode).toBe(0);
    expect(seen).toContain('gone on');
    expect(seen).toContain(`succeeded, ${outcome.finished.backup_id}`);
  });

  test('of a group tell its own run and those of its VMs', { timeout: 300_000 }, async () => {
    const vms =
      'sources:\n  lab: { type: image, vms: { web1: { disks: [{ path: ./disk0.raw }] }, web2: { disks: [{ path: ./gone.raw }] } } }\n';
    await using work = await workspace({ settings: `${defaultSettings}${vms}` });
    await makeRaw(work.path('disk0.raw'), 8 * MiB, [[0, MiB]]);
    await work.write(
      'lab.yaml',
      'kind: group\nname: lab\nsource: lab\nmembers: [{ name: "web*" }]\nrepository: primary\n',
    );
    const group = await work.call(['--json', 'run', 'lab.yaml']);
    expect(group.exitCode).toBe(1);
    const { runs } = await json<HistoryOutput>(work, 'output/history.json', 'history');
    const own = runs.find(({ kind }) => kind === 'group');
    const children = runs.filter(({ parent_run: parent }) => parent === own?.run_id);
    expect(children.map(({ vm, status, trigger }) => `${vm} ${status} ${trigger}`).toSorted()).toEqual([
      'web1 succeeded group',
      'web2 failed group',
    ]);
    const shown = await json<ShowRunOutput>(work, 'output/show-run.json', 'show', '--run', own?.run_id ?? '');
    expect(shown.children.map(({ run_id: id }) => id).toSorted()).toEqual(
      children.map(({ run_id: id }) => id).toSorted(),
    );
    for (const { run_id: id } of runs) {
      const log = await readFile(runLogFile(work.path('state/sendense.db'), id), 'utf8');
      const ids = log
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as RunEvent).run_id);
      expect(new Set(ids)).toEqual(new Set([id]));
    }
  });

  test('a log on a full disk costs the run nothing but a warning', { timeout: 300_000 }, async () => {
    await using work = await workspace();
    await pgtest1(work);
    await mkdir(work.path('state/logs'), { recursive: true });
    const month = new Date().toISOString().slice(0, 7);
    await symlink('/dev/full', work.path('state/logs', month));
    const outcome = await work.call(['run', 'nightly.yaml']);
    expect(outcome.exitCode).toBe(0);
    expect(outcome.stderr).toMatch(/warning: the log .* could not be written/);
    expect((await list(work)).points).toHaveLength(1);
  });
});

describe('metrics', () => {
  test('are in the textfile after each run, as Prometheus reads them', { timeout: 300_000 }, async () => {
    await using work = await workspace({ settings: `${defaultSettings}metrics: { textfile: ./sendense.prom }\n` });
    await pgtest1(work);
    const { finished } = await work.run('nightly.yaml');
    const figures = parseExposition(await readFile(work.path('sendense.prom'), 'utf8'));
    const labels = { plan: 'pgtest1-nightly', vm: 'pgtest1', kind: 'backup' };
    const only = (name: string): { labels: object; value: number }[] =>
      figures.get(name)?.samples.map(({ labels: own, value }) => ({ labels: own, value })) ?? [];
    expect(only('sendense_plan_last_run_success')).toEqual([{ labels, value: 1 }]);
    expect(only('sendense_plan_last_run_transferred_bytes')).toEqual([{ labels, value: 2 * MiB }]);
    expect(only('sendense_repository_points')).toEqual([{ labels: { repository: 'primary' }, value: 1 }]);
    const [last] = only('sendense_plan_last_success_timestamp_seconds');
    expect(Math.abs((last?.value ?? 0) * 1000 - finished.time)).toBeLessThan(60_000);
    const printed = parseExposition((await work.call(['metrics'])).stdout.concat('\n'));
    expect([...printed.keys()]).toEqual([...figures.keys()]);

    await work.write('sendense.yaml', `${defaultSettings}metrics: { textfile: ./missing/sendense.prom }\n`);
    const again = await work.call(['run', 'nightly.yaml']);
    expect(again.exitCode).toBe(0);
    expect(again.stderr).toContain('the metrics could not be written');
    expect((await work.call(['metrics', '--write'])).exitCode).toBe(3);
  });
});

describe('a state database that is lost', () => {
  const lose = async (work: Workspace): Promise<void> => {
    for (const end of ['', '-wal', '-shm']) await rm(work.path(`state/sendense.db${end}`), { force: true });
  };

  test('a backup or a verification that knows nothing of what is there says so', { timeout: 300_000 }, async () => {
    await using work = await workspace();
    await pgtest1(work);
    await work.run('nightly.yaml');
    await lose(work);
    const verified = await work.call(['verify']);
    expect([verified.exitCode, verified.stderr + verified.stdout]).toEqual([
      3,
      expect.stringContaining('knows no restore point'),
    ]);
    const { finished } = await work.run('nightly.yaml');
    expect(finished).toMatchObject({ status: 'succeeded', exit_code: 3 });
    expect(finished.warnings.join()).toContain(
      'restore point of pgtest1 in repository primary is not in the state database',
    );
    expect((await work.call(['repo', 'import', 'primary'])).exitCode).toBe(0);
    expect((await work.run('nightly.yaml')).finished).toMatchObject({ exit_code: 0, warnings: [] });
  });

  test('repo import brings back the points and their marks, and incrementals go on', { timeout: 300_000 }, async () => {
    await using work = await workspace();
    await pgtest1(work);
    const first = await work.run('nightly.yaml');
    await writeAt(work.path('disk0.raw'), [5 * MiB, randomBytes(1000)]);
    const second = await work.run('nightly.yaml');
    expect(disksOf(second)[0]?.mode).toBe('incremental');
    const id = first.finished.backup_id ?? '';
    expect((await work.call(['protect', id, '--reason', 'before the move'])).exitCode).toBe(0);
    const before = await list(work);

    await lose(work);
    expect((await list(work)).points).toEqual([]);
    expect((await work.call(['repo', 'import', 'primary'])).exitCode).toBe(0);
    expect(await list(work)).toEqual(before);
    await writeAt(work.path('disk0.raw'), [6 * MiB, randomBytes(1000)]);
    await copyFile(work.path('disk0.raw'), work.path('third.raw'));
    const third = await work.run('nightly.yaml');
    expect(disksOf(third)[0]).toMatchObject({ mode: 'incremental', bytes_transferred: 65_536 });
    expect((await work.call(['check'])).exitCode).toBe(0);
    await work.write('restore.yaml', restorePlan('./out'));
    expect((await work.run('restore.yaml')).exitCode).toBe(0);
    expect(await sameBytes(work.path('out/disk-0.raw'), work.path('third.raw'))).toBe(true);
    const { points } = await list(work);
    expect(points.map(({ chain_length: length }) => length)).toEqual([1, 2, 3]);
    expect(leftovers(work.folder)).toEqual([]);
  });

  test('a copy that was put back removes nothing that was made since it', { timeout: 300_000 }, async () => {
    await using work = await workspace();
    // The copy is made while this run goes on.
    await pgtest1(work, `before:\n  - run: [sh, -c, 'until [ -e go ]; do sleep 0.05; done']\n`);
    await work.write('quick.yaml', backupPlan(['disk0.raw']).replaceAll('pgtest1', 'other'));
    expect((await work.run('quick.yaml')).exitCode).toBe(0);
    const running = work.run('nightly.yaml');
    await expect
      .poll(async () => (await work.call(['logs'])).stdout, { timeout: 200_000, interval: 200 })
      .toContain('Run a command');
    const { copies } = JSON.parse((await work.call(['upkeep', '--json'])).stdout) as { copies: { path: string }[] };
    await writeFile(work.path('go'), '');
    const finished = await running;
    expect(finished.exitCode).toBe(0);
    const before = await list(work);
    expect(before.points).toHaveLength(2);

    await lose(work);
    await copyFile(copies[0]?.path ?? '', work.path('state/sendense.db'));
    await chmod(work.path('state/sendense.db'), 0o600);
    expect((await work.call(['recover'])).exitCode).toBe(0);
    expect((await work.call(['repo', 'import', 'primary'])).exitCode).toBe(0);
    expect(await list(work)).toEqual(before);
    expect((await work.call(['check'])).exitCode).toBe(0);
    const { runs } = JSON.parse((await work.call(['history', '--json'])).stdout) as HistoryOutput;
    expect(runs.map(({ status }) => status)).toEqual(['crashed', 'succeeded']);

    // A copy names what a prune has removed since: it is forgotten where that is asked for.
    const gone = before.points[1];
    for (const end of ['.json', '.marks'])
      await rm(work.path('repository/pgtest1', `${gone?.backup_id}${end}`), { force: true });
    await rm(work.path('repository/pgtest1/disk-0'), { recursive: true });
    expect((await work.call(['check'])).stdout).toContain('is gone');
    const imported = await work.call(['repo', 'import', 'primary', '--forget-missing']);
    expect(imported.stdout).toContain('its manifest is gone');
    expect((await list(work)).points).toEqual(before.points.slice(0, 1));
    expect((await work.call(['check'])).exitCode).toBe(0);
    using state = openState(work.path('state/sendense.db'), { readOnly: true });
    expect(state.all(state.query.selectFrom('locks').selectAll())).toEqual([]);
  });
});
