import { expect, test } from 'vitest';
import type { RunEnd } from '../../../src/engine/journal.ts';
import { createJournal } from '../../../src/state/runs/create-journal.ts';
import { migrate } from '../../../src/state/database/migrate.ts';
import { migrations } from '../../../src/state/database/migrations.ts';
import type { State } from '../../../src/state/database/open-state.ts';
import { dailySummaries, newestSummaries, summariseRuns } from '../../../src/state/runs/run-summaries.ts';
import { listRuns, listSteps } from '../../../src/state/runs/runs.ts';
import { fillState } from '../../bench/many-points.ts';
import { someRun, temporaryState } from '../temporary-state.ts';
import { random } from '../../support/random.ts';
import { openDatabase } from '../../../src/state/database/sqlite.ts';

const day = 86_400_000;
const noon = Date.UTC(2026, 10, 1, 12);

interface Course {
  readonly plan?: string;
  readonly vm?: string;
  readonly status?: RunEnd['status'];
  readonly exitCode?: number;
  readonly unclean?: boolean;
  readonly bytes?: readonly number[];
  /** A command made it of its options. */
  readonly command?: boolean;
}

function addRun(state: State, id: string, finished: number, course: Course = {}): void {
  const journal = createJournal(state, () => true);
  const { plan = 'nightly', vm = 'pgtest1', status = 'succeeded', exitCode = 0, unclean = false, bytes = [] } = course;
  const origin = course.command ? { origin: { trigger: 'command' as const } } : {};
  journal.startRun({ ...someRun(id, { plan, vm, started: finished - 60_000 }), ...origin });
  journal.record(id, 'transfer', { event: 'started', uses: 'node.transfer', number: 0, attempt: 1, claim: {} });
  journal.finishRun(id, {
    status,
    exitCode,
    result: { disks: bytes.map((bytes_transferred) => ({ bytes_transferred })) },
    error: null,
    warnings: [],
    published: false,
    unclean,
    finished,
  });
}

const idsOf = (state: State): string[] =>
  listRuns(state)
    .map(({ id }) => id)
    .toSorted();

test('old runs become one line a day and plan, and their steps go', async () => {
  using temporary = temporaryState();
  const { state } = temporary;
  addRun(state, 'a1', noon, { bytes: [10, 20] });
  addRun(state, 'a2', noon + 1000, { bytes: [5], exitCode: 3 });
  addRun(state, 'a3', noon + 2000, { status: 'failed', exitCode: 1 });
  addRun(state, 'a4', noon + 3000, { status: 'crashed', exitCode: 1 });
  addRun(state, 'b1', noon + day, { bytes: [7] });
  addRun(state, 'c1', noon + 40 * day);
  addRun(state, 'c2', noon + 41 * day, { status: 'failed', exitCode: 1 });
  const before = dailySummaries(state);
  expect(await summariseRuns(state, noon + 30 * day)).toBe(5);
  expect(idsOf(state)).toEqual(['c1', 'c2']);
  expect(listSteps(state, 'a1')).toEqual([]);
  expect(dailySummaries(state)).toEqual(before);
  expect(before.at(-1)).toEqual({
    day: '2026-11-01',
    plan: 'nightly',
    kind: 'backup',
    command: 0,
    succeeded: 2,
    warned: 1,
    failed: 1,
    cancelled: 0,
    crashed: 1,
    bytes: 35,
    duration_ms: 240_000,
    longest_ms: 60_000,
  });
});

test('runs of commands are no runs of the plan that has their name', async () => {
  using temporary = temporaryState();
  const { state } = temporary;
  addRun(state, 'plan1', noon);
  addRun(state, 'typed1', noon + 1, { command: true, status: 'failed', exitCode: 1 });
  addRun(state, 'typed2', noon + 2, { command: true, status: 'failed', exitCode: 1 });
  addRun(state, 'plan2', noon + 2 * day);
  addRun(state, 'typed3', noon + 2 * day, { command: true, status: 'failed', exitCode: 1 });
  const before = dailySummaries(state);
  expect(before.map(({ day: of, command, succeeded, failed }) => [of, command, succeeded, failed])).toEqual([
    ['2026-11-03', 0, 1, 0],
    ['2026-11-03', 1, 0, 1],
    ['2026-11-01', 0, 1, 0],
    ['2026-11-01', 1, 0, 2],
  ]);
  expect(await summariseRuns(state, noon + day)).toBe(3);
  expect(dailySummaries(state)).toEqual(before);
});

test('days that were summarised before commands were told apart stay', () => {
  const database = openDatabase(':memory:');
  const apart = migrations.findIndex((sql) => sql.includes('summed_runs'));
  migrate(database, ':memory:', migrations.slice(0, apart));
  database.exec(`INSERT INTO run_summaries VALUES ('prune', 'prune', '2026-11-01', 3, 1, 0, 0, 0, 10, 20, 15)`);
  migrate(database, ':memory:', migrations.slice(0, apart + 1));
  expect(database.prepare('SELECT * FROM run_summaries').all()).toEqual([
    {
      plan: 'prune',
      kind: 'prune',
      command: 0,
      day: '2026-11-01',
      succeeded: 3,
      warned: 1,
      failed: 0,
      cancelled: 0,
      crashed: 0,
      bytes: 10,
      duration_ms: 20,
      longest_ms: 15,
    },
  ]);
  database.close();
});

test('a day that is summarised in two parts adds up', async () => {
  using temporary = temporaryState();
  const { state } = temporary;
  for (let number = 0; number < 10; number++) addRun(state, `r${number}`, noon + number, { bytes: [1] });
  addRun(state, 'later', noon + 5 * day);
  expect(await summariseRuns(state, noon + 4)).toBe(4);
  expect(await summariseRuns(state, noon + day)).toBe(6);
  expect(dailySummaries(state, { plan: 'nightly' }).at(-1)).toMatchObject({ succeeded: 10, bytes: 10 });
  expect(dailySummaries(state, { since: '2026-11-03' })).toHaveLength(1);
  expect(dailySummaries(state, { plan: 'other' })).toEqual([]);
});

test('the last success and the last failure of each plan and VM stay, however old they are', async () => {
  using temporary = temporaryState();
  const { state } = temporary;
  addRun(state, 'ok1', noon);
  addRun(state, 'ok2', noon + 1);
  addRun(state, 'bad1', noon + 2, { status: 'failed', exitCode: 1 });
  addRun(state, 'bad2', noon + 3, { status: 'cancelled', exitCode: 130 });
  addRun(state, 'other-vm', noon, { vm: 'vm2' });
  addRun(state, 'other-plan', noon, { plan: 'weekly' });
  expect(await summariseRuns(state, noon + 400 * day)).toBe(2);
  expect(idsOf(state)).toEqual(['bad2', 'ok2', 'other-plan', 'other-vm']);
  expect(await summariseRuns(state, noon + 400 * day)).toBe(0);
});

test('runs that go on, and runs that have to be cleaned up after, are never touched', async () => {
  using temporary = temporaryState();
  const { state } = temporary;
  const journal = createJournal(state, () => true);
  journal.startRun(someRun('open', { started: noon }));
  addRun(state, 'unclean', noon, { status: 'failed', exitCode: 16, unclean: true });
  addRun(state, 'in-use', noon);
  state.run(state.query.insertInto('locks').values({ name: 'primary/pgtest1', run_id: 'in-use', acquired: noon }));
  addRun(state, 'good', noon + 10 * day);
  addRun(state, 'bad', noon + 10 * day, { status: 'failed', exitCode: 1 });
  await summariseRuns(state, noon + 400 * day);
  expect(idsOf(state)).toEqual(['bad', 'good', 'in-use', 'open', 'unclean']);
});

test('thousands go piece by piece, and what they took is given back', { timeout: 300_000 }, async () => {
  using temporary = temporaryState();
  const { state } = temporary;
  fillState(state, { vms: 5, points: 1, runs: 220, until: noon });
  const before = dailySummaries(state);
  expect(await summariseRuns(state, noon)).toBe(5 * 220 - 2 * 5);
  expect(await state.shrink()).toBeGreaterThan(4 * 1024 * 1024);
  expect(dailySummaries(state)).toEqual(before);
  expect(state.first(state.query.selectFrom('step_events').select(({ fn }) => fn.countAll<number>().as('n')))?.n).toBe(
    5 * (2 * 12 + 2 * 2),
  );
});

test('the newest days are those of all days, however few are looked at', async () => {
  using temporary = temporaryState();
  const { state } = temporary;
  const numbers = random('days');
  expect(newestSummaries(state, {}, 5)).toEqual([]);
  for (let number = 0; number < 60; number++)
    addRun(state, `r${number}`, noon + numbers.int(0, 200) * day, {
      plan: numbers.int(0, 2) === 0 ? 'weekly' : 'nightly',
    });
  const check = (): void => {
    const all = dailySummaries(state);
    for (let lines = 1; lines < all.length + 3; lines++) {
      const found = newestSummaries(state, {}, lines);
      expect(found.length).toBeGreaterThanOrEqual(Math.min(lines, all.length));
      expect(found).toEqual(all.slice(0, found.length));
    }
    const since = all[Math.floor(all.length / 2)]?.day ?? '';
    const filter = { plan: 'weekly', since };
    for (const lines of [1, 5, 1000]) {
      const found = newestSummaries(state, filter, lines);
      expect(found).toEqual(dailySummaries(state, filter).slice(0, found.length));
      expect(found.length).toBeGreaterThan(0);
    }
  };
  check();
  await summariseRuns(state, noon + 150 * day);
  check();
  await summariseRuns(state, noon + 1000 * day);
  check();
});
