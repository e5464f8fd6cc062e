import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunEnd, RunOrigin } from '../../../src/engine/journal.ts';
import { checkRpo } from '../../../src/hub/notify/check-rpo.ts';
import { describeStatus } from '../../../src/hub/describe/describe-status.ts';
import { planHealth } from '../../../src/hub/describe/plan-health.ts';
import { lastRuns } from '../../../src/state/runs/figures.ts';
import { createJournal } from '../../../src/state/runs/create-journal.ts';
import { inFuture } from '../../../src/state/database/in-future.ts';
import { healthOf, watchPlan } from '../../../src/state/schedules/plan-health.ts';
import { statusNagios } from '../../../src/view/reports/status-nagios.ts';
import { someEnd, someRun, temporaryState, type TemporaryState } from '../../state/temporary-state.ts';

const hour = 3_600_000;
const start = 1_700_000_000_000;

interface Bench extends TemporaryState {
  /** Runs the plan: begins at `hours`, takes one. */
  run(hours: number, end?: Partial<RunEnd>, origin?: RunOrigin): void;
  events(): string[];
  messages(event: string): string[];
  readonly file: string;
}

function bench(rpo: number | null = 26 * hour): Bench {
  const temporary = temporaryState();
  const { state, folder } = temporary;
  const journal = createJournal(state, () => false);
  const file = join(folder, 'nightly.yaml');
  writeFileSync(file, '');
  watchPlan(
    state,
    { plan: 'nightly', kind: 'backup', vm: 'pgtest1', repository: 'primary', file, notify: undefined, rpo },
    start,
  );
  let count = 0;
  const notices = (): { event: string; message: string }[] =>
    state.all(state.query.selectFrom('notices').select(['event', 'message']).orderBy('number'));
  return {
    ...temporary,
    file,
    run(hours, end = {}, origin = { trigger: 'manual' }) {
      const id = `run-${++count}`;
      journal.startRun(someRun(id, { started: start + hours * hour, origin }));
      journal.finishRun(id, someEnd(start + (hours + 1) * hour, end));
    },
    events: () => notices().map(({ event }) => event),
    messages: (event) =>
      notices()
        .filter((notice) => notice.event === event)
        .map(({ message }) => message),
    [Symbol.dispose]: () => temporary[Symbol.dispose](),
  };
}

const failed: Partial<RunEnd> = {
  status: 'failed',
  exitCode: 1,
  error: { code: 'source.missing', message: 'disk0.raw is gone', remedy: 'Look.', position: null },
};

test('beginning and end of a run are notices, written with them', () => {
  using made = bench();
  made.run(0);
  made.run(24, { warnings: ['the clock is off'], exitCode: 3 });
  made.run(48, failed);
  made.run(72, { ...failed, status: 'crashed' });
  made.run(73, { ...failed, status: 'cancelled', exitCode: 130 });
  made.run(74);
  expect(made.events()).toEqual(
    [
      'started',
      'success',
      'started',
      'warning',
      'started',
      'failure',
      'started',
      'failure',
      'started',
      'started',
    ].concat(['success', 'recovery']),
  );
  expect(made.messages('failure')[0]).toBe('nightly failed: source.missing: disk0.raw is gone');
  expect(made.messages('recovery')).toEqual([
    'nightly succeeded again after 2 failed runs since 2023-11-16T23:13:20.000Z',
  ]);
});

test('the runs of a group say nothing; the one of the group says it for them', () => {
  using made = bench();
  made.run(0, failed, { trigger: 'group', parentRun: undefined });
  expect(made.events()).toEqual([]);
  made.run(1, {
    ...failed,
    result: {
      runs: [
        { vm: 'pgtest1', status: 'succeeded', warnings: [], message: null },
        { vm: 'pgtest2', status: 'failed', warnings: [], message: 'vCenter is down' },
      ],
    },
  });
  const [details] = made.state
    .all(made.state.query.selectFrom('notices').select('details').where('event', '=', 'failure'))
    .map((row) => JSON.parse(row.details) as unknown);
  expect(details).toMatchObject({ members: ['1 of 2 VMs succeeded', 'pgtest2: vCenter is down'] });
});

test('a restore by hand is nobody else’s business, unless its plan says so', () => {
  using made = bench();
  const journal = createJournal(made.state, () => false);
  const restore = (id: string): void => {
    journal.startRun(someRun(id, { kind: 'restore', plan: 'restore' }));
    journal.finishRun(id, someEnd(start, { status: 'failed', exitCode: 1, published: false }));
  };
  restore('restore-1');
  expect(made.events()).toEqual([]);
  watchPlan(made.state, {
    plan: 'restore',
    kind: 'restore',
    vm: 'pgtest1',
    repository: 'primary',
    file: '/restore.yaml',
    rpo: null,
    notify: [{ channel: 'operators' }],
  });
  restore('restore-2');
  expect(made.events()).toEqual(['failure']);
  expect(planHealth(made.state, start).map(({ plan }) => plan)).toEqual(['nightly']);
});

test('no success within the rpo is said once, then daily, and a success ends it', () => {
  using made = bench();
  made.run(0);
  const look = (hours: number): string[] => {
    checkRpo(made.state, start + hours * hour);
    return made.messages('rpo');
  };
  // It counts from when the last successful run began.
  expect(look(26)).toEqual([]);
  expect(look(27)).toEqual(['nightly: no success for 27h (rpo 26h)']);
  expect(look(28)).toHaveLength(1);
  expect(look(50.9)).toHaveLength(1);
  expect(look(51)).toEqual(['nightly: no success for 27h (rpo 26h)', 'nightly: no success for 51h (rpo 26h)']);
  made.run(52);
  expect(made.messages('recovery')).toHaveLength(1);
  expect(look(60)).toHaveLength(2);
});

test('a plan that never succeeded is late from when it was first known', () => {
  using made = bench();
  checkRpo(made.state, start + 26 * hour);
  expect(made.messages('rpo')).toEqual([]);
  checkRpo(made.state, start + 27 * hour);
  expect(made.messages('rpo')).toEqual(['nightly: no success for 27h (rpo 26h), and none ever']);
});

test('a plan whose file is gone is no longer watched, and that is said once', () => {
  using made = bench();
  rmSync(made.file);
  checkRpo(made.state, start + 27 * hour);
  checkRpo(made.state, start + 100 * hour);
  expect(made.messages('rpo')).toEqual([]);
  expect(made.messages('invalid-plan')).toEqual([`nightly is no longer watched: its file ${made.file} is gone`]);
  expect(planHealth(made.state, start)).toEqual([]);
});

test('one without an rpo, a week after it was last heard of', () => {
  using made = bench(null);
  made.run(0, failed);
  rmSync(made.file);
  checkRpo(made.state, start + 7 * 24 * hour);
  expect(stateAt(made, 7 * 24)).toEqual(['failing']);
  checkRpo(made.state, start + 8 * 24 * hour);
  checkRpo(made.state, start + 9 * 24 * hour);
  expect(stateAt(made, 8 * 24)).toEqual([]);
  expect(made.messages('invalid-plan')).toEqual([`nightly is no longer watched: its file ${made.file} is gone`]);
});

test('a plan that got another name in its file is no longer watched under the old one', () => {
  using made = bench();
  const other = { kind: 'backup', vm: 'pgtest1', repository: 'primary', file: made.file, notify: undefined, rpo: null };
  watchPlan(made.state, { ...other, plan: 'every-night' }, start);
  expect(planHealth(made.state, start).map(({ plan }) => plan)).toEqual(['every-night']);
  expect(healthOf(made.state, 'nightly')?.removed).toBe(start);
});

const stateAt = (made: Bench, hours: number): string[] =>
  planHealth(made.state, start + hours * hour).map(({ state, late }) => (late ? `${state}!` : state));

test('the state of a plan', () => {
  using made = bench();
  expect(stateAt(made, 1)).toEqual(['never']);
  made.run(0);
  expect(stateAt(made, 26)).toEqual(['ok']);
  expect(stateAt(made, 27)).toEqual(['late!']);
  made.run(24, failed);
  expect(stateAt(made, 25)).toEqual(['failing']);
  expect(stateAt(made, 27)).toEqual(['late!']);
});

test('nagios: what is late is critical, what fails a warning, and there is one line', async () => {
  using made = bench();
  const ask = async (hours: number): Promise<string> => {
    const status = await describeStatus(made.state, {});
    const plans = planHealth(made.state, start + hours * hour);
    const { line, exitCode } = statusNagios({ ...status, plans, runs: [] });
    return `${exitCode} ${line}`;
  };
  expect(await ask(1)).toBe(
    '1 SENDENSE WARNING - nightly: no success yet | plans=1 late=0 failing=0 missed_slots=0 unread_points=0',
  );
  made.run(0);
  expect(await ask(2)).toBe(
    "0 SENDENSE OK - 1 plan, none late or failing | plans=1 late=0 failing=0 missed_slots=0 unread_points=0 'age_nightly'=7200s;;93600;0",
  );
  made.run(24, { ...failed, error: { code: 'source.missing', message: 'a | b\nc', remedy: 'Look.', position: null } });
  expect(await ask(26)).toBe(
    "1 SENDENSE WARNING - nightly: a / b c | plans=1 late=0 failing=1 missed_slots=0 unread_points=0 'age_nightly'=93600s;;93600;0",
  );
  expect(await ask(31)).toBe(
    "2 SENDENSE CRITICAL - nightly: no success for 31h (rpo 26h) | plans=1 late=1 failing=1 missed_slots=0 unread_points=0 'age_nightly'=111600s;;93600;0",
  );
});

test('status of a folder knows plans that never ran, and files that are no plan', async () => {
  using made = bench();
  const folder = join(made.folder, 'plans');
  mkdirSync(folder);
  const plan = 'kind: backup\nname: weekly\nvm: { name: pgtest1 }\nrepository: primary\nrpo: 8d\n';
  writeFileSync(join(folder, 'weekly.yaml'), plan);
  writeFileSync(join(folder, 'broken.yaml'), 'kind: backup\nnam: x\n');
  const { plans } = await describeStatus(made.state, {}, { plans: folder });
  expect(plans).toMatchObject([
    { plan: 'weekly', state: 'never', late: false, rpo_ms: 8 * 24 * hour },
    { plan: 'broken', state: 'failing', error: { code: 'plan.invalid' } },
  ]);
});

test('what a command made of its options is heard of, and says nothing of a plan of the same name', () => {
  using made = bench();
  made.run(0);
  made.run(24, failed, { trigger: 'command' });
  expect(made.events()).toContain('failure');
  expect(healthOf(made.state, 'nightly')).toMatchObject({ failures: 0, failing_since: null });
  expect(lastRuns(made.state, 0)).toMatchObject([{ plan: 'nightly', status: 'succeeded' }]);
  expect(lastRuns(made.state, 0)).toHaveLength(1);
  made.run(48, {}, { trigger: 'command' });
  expect(healthOf(made.state, 'nightly')?.last_success).toBe(start + hour);
});

test('a success of a clock that was ahead is an alarm of its own, and late where there is an rpo', async () => {
  using made = bench();
  const ahead = 400 * 24;
  made.run(ahead);
  const now = start + 2 * hour;
  expect(inFuture(made.state, now)).toMatchObject([{ what: 'success', plan: 'nightly' }]);
  expect(planHealth(made.state, now)).toMatchObject([{ state: 'clock', late: true, age_ms: 0 }]);
  checkRpo(made.state, now);
  checkRpo(made.state, now + hour);
  expect(made.messages('rpo')).toEqual([
    expect.stringMatching(/^nightly: its last success began at 2024-.*, which is in the future/),
  ]);
  // The next success ends it.
  made.run(2);
  expect(inFuture(made.state, now + hour)).toEqual([]);
  expect(planHealth(made.state, now + hour)).toMatchObject([{ state: 'ok', late: false }]);
});

test('a breach that was said by a clock that was ahead is said again', () => {
  using made = bench();
  checkRpo(made.state, start + 400 * 24 * hour);
  checkRpo(made.state, start + 30 * hour);
  checkRpo(made.state, start + 31 * hour);
  expect(made.messages('rpo')).toHaveLength(2);
});

test('Nagios: what is in the future is critical, whatever else is well', async () => {
  using made = bench(null);
  made.run(Math.round((Date.now() - start) / hour) + 3);
  const { line, exitCode } = statusNagios(await describeStatus(made.state, {}));
  expect(exitCode).toBe(2);
  expect(line).toMatch(/^SENDENSE CRITICAL - nightly: its last success is dated .* in_future=1 /);
});
