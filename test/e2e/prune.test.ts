import { sql } from 'kysely';
import { copyFile, lstat, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeMarks } from '../repository/fixture-files.ts';
import type { ListOutput, PruneOutput } from '../../src/schemas/types.ts';
import { exists } from '../../src/host/files/files.ts';
import { pointsOf, redate } from './redate.ts';
import {
  backupPlan,
  makeRaw,
  program,
  sameBytes,
  sameContent,
  workspace,
  writeAt,
  type Workspace,
} from './workspace.ts';
import { stagedWorkspace, type StagedWorkspace } from './staged-workspace.ts';
import { randomBytes } from '../support/random.ts';
import { all } from '../support/rounds.ts';
import { openDatabase } from '../../src/state/database/sqlite.ts';
import { openState } from '../../src/state/database/open-state.ts';

const mib = 1024 * 1024;
const size = 8 * mib;

/** Backs the VM up `times` times with changes in between; keeps what the disks were each time. */
async function nights(bench: Workspace, times: number, vm = 'pgtest1', more = ''): Promise<string[]> {
  const disks = [`${vm}-0.raw`, `${vm}-1.raw`];
  await makeRaw(bench.path(disks[0] ?? ''), size, [[0, 2 * mib]]);
  await makeRaw(bench.path(disks[1] ?? ''), size, [[5 * mib, mib]]);
  await bench.write(`${vm}.yaml`, backupPlan(disks, more).replaceAll('pgtest1', vm));
  for (let night = 0; night < times; night++) await oneMore(bench, vm, night);
  return pointsOf(bench, vm);
}

async function oneMore(bench: Workspace, vm: string, night: number): Promise<void> {
  await writeAt(
    bench.path(`${vm}-0.raw`),
    [(night % 7) * mib, randomBytes(300_000)],
    [3 * mib + night * 65_536, randomBytes(1000)],
  );
  // Now and then data goes away again.
  if (night % 2 === 1) await writeAt(bench.path(`${vm}-0.raw`), [mib / 2, new Uint8Array(200_000)]);
  if (night % 3 === 0) await writeAt(bench.path(`${vm}-1.raw`), [night * 100_000, randomBytes(5000)]);
  const run = await bench.run(`${vm}.yaml`);
  expect(run.finished.status, run.stderr).toBe('succeeded');
  for (const disk of [0, 1])
    await copyFile(bench.path(`${vm}-${disk}.raw`), bench.path(`${run.finished.backup_id}-${disk}.copy`));
}

let staged: StagedWorkspace;

beforeAll(async () => {
  staged = await stagedWorkspace();
  for (let night = 0; night < 7; night++) {
    if (night === 0) await nights(staged.work, 1);
    else await oneMore(staged.work, 'pgtest1', night);
    await staged.keep(`${night + 1}`);
  }
}, 300_000);
afterAll(() => staged[Symbol.asyncDispose]());

/** A workspace in which pgtest1 was backed up so often, as {@link nights} does it. */
const afterNights = (count: number): Promise<Workspace> => staged.backTo(`${count}`);

/** Restores each of the points and compares it with what was backed up. */
async function expectRestorable(bench: Workspace, vm: string, ids: readonly string[]): Promise<void> {
  for (const [at, id] of ids.entries()) {
    // What a restore does is another test's; here the restore points are what is looked at.
    if (!all && at > 0 && at < ids.length - 1) {
      for (const disk of [0, 1])
        expect(
          await sameContent(
            bench.path('repository', vm, `disk-${disk}`, `${id}.qcow2`),
            bench.path(`${id}-${disk}.copy`),
          ),
        ).toBe(true);
      continue;
    }
    const to = bench.path(`restored-${id}`);
    const restore = await bench.call(['restore', vm, '--point', id, '--to', to]);
    expect(restore.exitCode, restore.stderr).toBe(0);
    for (const disk of [0, 1])
      expect(await sameBytes(`${to}/disk-${disk}.raw`, bench.path(`${id}-${disk}.copy`)), `${id} disk ${disk}`).toBe(
        true,
      );
    await rm(to, { recursive: true });
  }
}

/** What the files of a folder take on the disk, in bytes. */
async function allocated(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true });
  const stats = await Promise.all(entries.map((entry) => lstat(join(folder, entry))));
  return stats.filter((info) => info.isFile()).reduce((sum, { blocks }) => sum + blocks * 512, 0);
}

const json = <T>(text: string): T => JSON.parse(text.trim().split('\n').at(-1) ?? '') as T;

function noticesOf(bench: Workspace): { event: string; vm: string | null; message: string }[] {
  const database = openDatabase(bench.path('state', 'sendense.db'), { readonly: true });
  try {
    return database.prepare('SELECT event, vm, message FROM notices').all() as ReturnType<typeof noticesOf>;
  } finally {
    database.close();
  }
}

describe('prune', { timeout: 300_000 }, () => {
  it('removes what no rule keeps, merges what others need, and every point that stays is what was backed up', async () => {
    const bench = await afterNights(7);
    const ids = await redate(
      bench,
      'pgtest1',
      ['01', '08', '15', '16', '17', '18', '19'].map((day) => `2026-06-${day}T01:30:00Z`),
    );
    const wanted = [0, 2, 4, 5, 6].map((at) => ids[at] ?? '');
    await bench.call(['protect', ids[0] ?? '', '--reason', 'the first one']);
    const rules = ['--keep-daily', '3', '--keep-weekly', '2', '--keep-last', '1'];
    const dry = await bench.call(['--json', 'prune', ...rules, '--dry-run']);
    expect(dry.exitCode, dry.stderr).toBe(0);
    const plan = json<PruneOutput>(dry.stdout);
    const points = plan.vms[0]?.points ?? [];
    expect(points.map(({ keep, reasons }) => (keep ? reasons : 'goes'))).toEqual(
      [
        ['protected'],
        'goes',
        'goes',
        'goes',
        ['daily 2026-06-17'],
        ['daily 2026-06-18'],
        ['newest', 'last 1', 'daily 2026-06-19', 'weekly 2026-W25'],
      ].map((entry, at) => (at === 1 ? ['weekly 2026-W24'] : entry)),
    );
    expect(points[3]?.merges).toEqual([
      { disk: 'disk-0', into: ids[4] },
      { disk: 'disk-1', into: ids[4] },
    ]);
    expect(await pointsOf(bench, 'pgtest1')).toEqual(ids);
    wanted.splice(1, 1, ids[1] ?? '');

    const before = await allocated(bench.path('repository'));
    const run = await bench.call(['prune', ...rules, '--yes']);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(await pointsOf(bench, 'pgtest1')).toEqual(wanted);
    const freed = before - (await allocated(bench.path('repository')));
    expect(Math.abs(freed - plan.freed.at_least)).toBeLessThan(mib / 2);

    await expectRestorable(bench, 'pgtest1', wanted);
    expect((await bench.call(['check'])).exitCode).toBe(0);
    const again = json<PruneOutput>((await bench.call(['--json', 'prune', ...rules, '--dry-run'])).stdout);
    expect(again.vms[0]?.points.every(({ keep }) => keep)).toBe(true);

    await oneMore(bench, 'pgtest1', 8);
    const newest = (await pointsOf(bench, 'pgtest1')).at(-1) ?? '';
    const { points: listed } = json<ListOutput>((await bench.call(['--json', 'list'])).stdout);
    expect(listed.at(-1)).toMatchObject({ backup_id: newest, kind: 'incremental' });
    await expectRestorable(bench, 'pgtest1', [newest, wanted[0] ?? '']);
  });

  it('follows a backup whose plan has a retention, and the oldest chain can go for ever', async () => {
    await using bench = await workspace();
    await nights(bench, 5, 'pgtest1', 'retention: { last: 2 }\n');
    const ids = await pointsOf(bench, 'pgtest1');
    expect(ids).toHaveLength(2);
    await expectRestorable(bench, 'pgtest1', ids);
    const plan = await bench.call(['plan', 'pgtest1.yaml']);
    expect(plan.stdout).toContain(`${ids[0]}.json: restore point, merged into ${ids[1]}`);
    expect(plan.stdout).toContain('1 of 2 restore points stay, and the new one');
  });

  it('keeps the backup, warns and raises a notice where pruning is refused', async () => {
    const bench = await afterNights(1);
    const [first = ''] = await pointsOf(bench, 'pgtest1');
    const disks = ['pgtest1-0.raw', 'pgtest1-1.raw'];
    await bench.write('pgtest1.yaml', backupPlan(disks, 'retention: { last: 1 }\n'));
    const folder = bench.path('repository', 'pgtest1');
    await copyFile(`${folder}/${first}.json`, `${folder}/20200101T000000Z-abcdef.json`);
    await writeAt(bench.path('pgtest1-0.raw'), [0, randomBytes(1000)]);
    const run = await bench.run('pgtest1.yaml');
    expect(run.exitCode).toBe(3);
    expect(run.finished.warnings.join()).toMatch(/20200101T000000Z-abcdef is not in the database/);
    expect(run.finished.backup_id).not.toBeNull();
    expect(await exists(`${folder}/${run.finished.backup_id}.json`)).toBe(true);
    expect(await exists(`${folder}/${first}.json`)).toBe(true);
    expect(noticesOf(bench)).toContainEqual(
      expect.objectContaining({ event: 'prune-trouble', vm: 'pgtest1', message: expect.stringContaining('abcdef') }),
    );

    const [, newest = ''] = await nights(bench, 2, 'pgtest2');
    const both = await bench.call(['prune', '--keep-last', '1', '--yes']);
    expect(both.exitCode).toBe(1);
    expect(both.stderr).toMatch(/prune\.failed: 1 of 2 VMs could not be pruned/);
    expect(await pointsOf(bench, 'pgtest2')).toEqual([newest]);
  });

  it('passes over a VM that another run works on, and prunes the others', async () => {
    const bench = await afterNights(2);
    const [, newest = ''] = await nights(bench, 2, 'pgtest2');
    await bench.write(
      'held.yaml',
      backupPlan(
        ['pgtest1-0.raw', 'pgtest1-1.raw'],
        `after: [{ run: [sh, -c, 'touch at-work; while [ ! -e go ]; do sleep 0.05; done'] }]\n`,
      ),
    );
    const held = execa(process.execPath, [program, 'run', 'held.yaml'], { cwd: bench.folder, reject: false });
    await vi.waitFor(async () => expect(await exists(bench.path('at-work'))).toBe(true), { timeout: 200_000 });
    const run = await bench.call(['prune', '--keep-last', '1', '--yes']);
    expect(run.exitCode).toBe(3);
    expect(run.stderr + run.stdout).toMatch(/VM pgtest1 was not pruned, for run \S+ works on it/);
    expect(await pointsOf(bench, 'pgtest2')).toEqual([newest]);
    expect(noticesOf(bench)).toContainEqual(expect.objectContaining({ event: 'prune-trouble', vm: 'pgtest1' }));
    await writeFile(bench.path('go'), '');
    expect((await held).exitCode).toBe(0);
  });

  it('merges nothing broken, and a mark that cannot be read protects', async () => {
    const bench = await afterNights(4);
    const ids = await pointsOf(bench, 'pgtest1');
    const [first = '', second = '', third = ''] = ids;
    const now = Date.now();
    await writeMarks(bench.path('repository'), 'pgtest1', second, {
      broken: { since: now, disks: [0], reason: 'for the test', run_id: null },
    });
    const dry = json<PruneOutput>((await bench.call(['--json', 'prune', '--keep-last', '1', '-n'])).stdout);
    // All that is built on the broken one is in doubt, so that the newest sound point is the first.
    expect(dry.vms[0]?.points.map(({ reasons }) => reasons.join())).toEqual([
      'newest,last 1',
      'last, broken',
      'last, broken',
      'last, broken',
    ]);
    await writeMarks(bench.path('repository'), 'pgtest1', second, { broken: null });
    await rm(bench.path('repository', 'pgtest1', `${first}.marks`), { force: true });
    await writeFile(bench.path('repository', 'pgtest1', `${third}.marks`), '{"format":"other"}');
    const odd = await bench.call(['--json', 'prune', '--keep-last', '1', '-n']);
    expect(odd.exitCode).toBe(3);
    const { points = [], remarks = [] } = json<PruneOutput>(odd.stdout).vms[0] ?? {};
    expect(points.map(({ keep }) => keep)).toEqual([false, false, true, true]);
    expect(remarks.join()).toMatch(new RegExp(`${third} stays`));
  });

  it('refuses while the clock is behind a restore point', async () => {
    const bench = await afterNights(2);
    await redate(bench, 'pgtest1', ['2026-06-01T00:00:00Z', '2199-01-01T00:00:00Z']);
    const run = await bench.call(['prune', '--keep-last', '1', '--yes']);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/the clock says .* was made at 2199-01-01/);
    expect(await pointsOf(bench, 'pgtest1')).toHaveLength(2);
  });

  it('refuses for a day when the clock was set far ahead, by which protections and ages run out', async () => {
    const bench = await afterNights(2);
    // As it was looked at before it was set ahead by 100 days.
    const before = 100 * 86_400_000;
    using state = openState(bench.path('state', 'sendense.db'));
    const moved = (column: string) => sql<number>`${sql.ref(column)} - ${before}`;
    const change = { seen: moved('seen'), latest: moved('latest'), ahead_of_boot: moved('ahead_of_boot') };
    expect(state.run(state.query.updateTable('clock_looks').set(change))).toBe(1);
    const run = await bench.call(['prune', '--keep-last', '1', '--yes']);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(/nothing of pgtest1 is removed by its age yet/);
    expect(await pointsOf(bench, 'pgtest1')).toHaveLength(2);
    // Another run has seen the jump meanwhile.
    expect((await bench.call(['prune', '--keep-last', '1', '--yes'])).exitCode).toBe(1);
    expect(await pointsOf(bench, 'pgtest1')).toHaveLength(2);
  });
});

describe('protect and prune, called wrongly', { timeout: 300_000 }, () => {
  it('says what is wrong and changes nothing', async () => {
    const bench = await afterNights(1);
    const [id = ''] = await pointsOf(bench, 'pgtest1');
    const manifest = await readFile(bench.path('repository', 'pgtest1', `${id}.json`), 'utf8');
    const calls: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['prune'], 2, /say what stays/],
      [['prune', '--keep-last', '0', '--dry-run'], 2, /no rule given here keeps/],
      [['prune', '--keep-last', 'two'], 2, /not a number/],
      [['prune', '--keep-last', '1'], 2, /needs --yes/],
      [['prune', '--keep-last', '1', '--json'], 2, /needs --yes/],
      [['prune', '--keep-last', '1', '--timezone', 'Europe/Lndon', '-n'], 10, /not a time zone/],
      [['prune', '--keep-last', '1', '--min-age', '3x', '-n'], 10, /span of time/],
      [['prune', '--plan', 'pgtest1.yaml', '-n'], 2, /has no retention/],
      [['prune', '--plan', 'gone.yaml', '-n'], 2, /no such plan file/],
      [['prune', '--plan', 'pgtest1.yaml', '--keep-last', '1', '-n'], 2, /brings its own retention/],
      [['prune', '--keep-last', '1', '--repository', 'other', '-n'], 10, /no repository/],
      [['prune', '--keep-last', '1', '--vm', 'nobody*', '-n'], 3, /no VM is called nobody/],
      [['prune', '--keep-last', '1', '--vm', 'nobody*', '--yes'], 3, /is called nobody/],
      [['protect', 'nothing'], 1, /no restore point nothing/],
      [['protect', id, '--until', '2026-02-30'], 2, /not a day/],
      [['protect', id, '--until', '2020-01-01'], 2, /over already/],
      [['unprotect', id, '--repository', 'other'], 1, /has no repository other/],
    ];
    for (const [args, code, text] of calls) {
      const { exitCode, stdout, stderr } = await bench.call(args);
      expect(`${stdout}${stderr}`, args.join(' ')).toMatch(text);
      expect(exitCode, args.join(' ')).toBe(code);
    }
    // A database that was lost is no reason to remove anything, nor to say nothing.
    await rm(bench.path('state'), { recursive: true });
    const lost = await bench.call(['prune', '--keep-last', '1', '--yes']);
    expect(lost.exitCode).toBe(3);
    expect(lost.stdout + lost.stderr).toMatch(/the database knows no restore point of repository primary/);
    expect(await pointsOf(bench, 'pgtest1')).toEqual([id]);
    expect(await readFile(bench.path('repository', 'pgtest1', `${id}.json`), 'utf8')).toBe(manifest);
  });
});
