import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { jitterOf } from '../../../src/hub/schedule/schedule-rules.ts';
import type { ErrorOutput, Schedule } from '../../../src/schemas/types.ts';
import { healthOf, watchPlan } from '../../../src/state/schedules/plan-health.ts';
import { decideSlot, listSlots } from '../../../src/state/schedules/schedule-slots.ts';
import { findSchedule, pauseSchedule, resumeSchedule } from '../../../src/state/schedules/schedules.ts';
import { temporaryState, type TemporaryState } from '../../state/temporary-state.ts';
import { simulatedDaemon } from './simulated-daemon.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.parse('2026-11-20T12:00:00Z');

let temporary: TemporaryState;
let clock: { now: number };
beforeEach(() => {
  temporary = temporaryState();
  clock = { now: start };
});
afterEach(() => temporary[Symbol.dispose]());

const times = (runs: readonly { slot: number }[]): string[] =>
  runs.map(({ slot }) => new Date(slot).toISOString().slice(5, 16));
const slotsOf = (plan: string) => listSlots(temporary.state, { plan }).toReversed();
const statesOf = (plan: string): string[] => slotsOf(plan).map(({ state }) => state);
const notices = (): { event: string; plan: string | null; message: string }[] =>
  temporary.state
    .all(temporary.state.query.selectFrom('notices').select(['event', 'plan', 'message']))
    .filter(({ event }) => event !== 'started' && event !== 'success');

test('each slot is run once, at its time and its jitter', () => {
  const daemon = simulatedDaemon(temporary.state, clock, { endAtOnce: true });
  daemon.plan('nightly', { cron: '30 1 * * *', jitter: '20m' });
  daemon.until(start + 3 * day);
  expect(times(daemon.begun)).toEqual(['11-21T01:30', '11-22T01:30', '11-23T01:30']);
  const offset = jitterOf('nightly', 'hub.example.com', 20 * minute);
  expect(daemon.begun.map(({ begun, slot }) => begun - slot)).toEqual([offset, offset, offset]);
  expect(statesOf('nightly')).toEqual(['succeeded', 'succeeded', 'succeeded']);
});

test('jitter stays the same for a plan on a host, differs between them, and stays below its limit', () => {
  const offsets = Array.from({ length: 1000 }, (_, index) => jitterOf(`plan${index}`, 'a', hour));
  expect(offsets).toEqual(Array.from({ length: 1000 }, (_, index) => jitterOf(`plan${index}`, 'a', hour)));
  expect(new Set(offsets).size).toBeGreaterThan(990);
  expect(offsets.every((offset) => offset >= 0 && offset < hour)).toBe(true);
  expect(jitterOf('plan1', 'b', hour)).not.toBe(offsets[1]);
});

test('two daemons on one database never run one slot twice', () => {
  const one = simulatedDaemon(temporary.state, clock, { endAtOnce: true });
  const other = simulatedDaemon(temporary.state, clock, { endAtOnce: true });
  for (const daemon of [one, other]) daemon.plan('hourly', { cron: '0 * * * *' });
  for (let at = start; at <= start + 12 * hour; at += 10 * minute) for (const daemon of [one, other]) daemon.until(at);
  const slots = [...one.begun, ...other.begun].map(({ slot }) => slot).sort((a, b) => a - b);
  expect(slots).toEqual(Array.from({ length: 12 }, (_, index) => start + (index + 1) * hour));
});

describe('overlap', () => {
  test('skip: the slot has a row that says why', async () => {
    const daemon = simulatedDaemon(temporary.state, clock);
    daemon.plan('hourly', { cron: '0 * * * *' });
    daemon.until(start + 2 * hour);
    expect(statesOf('hourly')).toEqual(['running', 'skipped']);
    expect(slotsOf('hourly')[1]?.reason).toContain(daemon.begun[0]?.runId);
    await daemon.end(daemon.begun[0]!);
    daemon.until(start + 3 * hour);
    expect(statesOf('hourly')).toEqual(['succeeded', 'skipped', 'running']);
  });

  test('queue: one waits and begins at the end of the one before; more are skipped', async () => {
    const daemon = simulatedDaemon(temporary.state, clock);
    daemon.plan('hourly', { cron: '0 * * * *', overlap: 'queue' });
    daemon.until(start + 3 * hour);
    expect(statesOf('hourly')).toEqual(['running', 'waiting', 'skipped']);
    await daemon.end(daemon.begun[0]!);
    expect(times(daemon.begun)).toEqual(['11-20T13:00', '11-20T14:00']);
  });

  test('cancel: the one before is asked to end, once, and then the slot is run', async () => {
    const daemon = simulatedDaemon(temporary.state, clock);
    daemon.plan('hourly', { cron: '0 * * * *', overlap: 'cancel' });
    daemon.until(start + 2 * hour + 10 * minute);
    expect(daemon.cancelled).toEqual([daemon.begun[0]?.runId]);
    await daemon.end(daemon.begun[0]!, 'cancelled');
    expect(statesOf('hourly')).toEqual(['cancelled', 'running']);
  });
});

describe('missed slots', () => {
  const away = (schedule: Parameters<ReturnType<typeof simulatedDaemon>['plan']>[1]) => {
    const before = simulatedDaemon(temporary.state, clock, { endAtOnce: true });
    before.plan('nightly', schedule);
    before.until(start + day);
    // Three nights without a daemon.
    clock.now = start + 4 * day;
    const after = simulatedDaemon(temporary.state, clock);
    after.plan('nightly', schedule);
    after.until(clock.now);
    return after;
  };

  test('a daemon that begins at the very moment of a slot runs it', () => {
    simulatedDaemon(temporary.state, clock).plan('hourly', { cron: '0 * * * *' });
    clock.now = start + hour;
    const daemon = simulatedDaemon(temporary.state, clock);
    daemon.plan('hourly', { cron: '0 * * * *' });
    daemon.until(start + hour + minute);
    expect(times(daemon.begun)).toEqual(['11-20T13:00']);
  });

  test('a daemon that begins within the jitter of a slot, or shortly after it, runs it on time', () => {
    const schedule = { cron: '30 1 * * *', jitter: '2h', catchUp: 'none' } as const;
    simulatedDaemon(temporary.state, clock).plan('nightly', schedule);
    const slot = start + 13.5 * hour;
    clock.now = slot + jitterOf('nightly', 'hub.example.com', 2 * hour) + 4 * minute;
    // Else the jitter would not matter.
    expect(clock.now - slot).toBeGreaterThan(6 * minute);
    const daemon = simulatedDaemon(temporary.state, clock);
    daemon.plan('nightly', schedule);
    daemon.until(clock.now);
    expect(times(daemon.begun)).toEqual(['11-21T01:30']);
    expect(slotsOf('nightly')[0]?.trigger).toBe('schedule');
  });

  test('latest: one run for the last, which makes up for the others', () => {
    const daemon = away({ cron: '30 1 * * *' });
    expect(times(daemon.begun)).toEqual(['11-24T01:30']);
    expect(statesOf('nightly')).toEqual(['succeeded', 'missed', 'missed', 'running']);
    expect(slotsOf('nightly').at(-1)?.trigger).toBe('catch-up');
    expect(notices()).toEqual([]);
  });

  test('none: they stay missed, and somebody hears of it', () => {
    const daemon = away({ cron: '30 1 * * *', catchUp: 'none' });
    expect(daemon.begun).toEqual([]);
    expect(statesOf('nightly')).toEqual(['succeeded', 'missed', 'missed', 'missed']);
    expect(notices()).toMatchObject([{ event: 'missed-slot', plan: 'nightly' }]);
  });

  test('all: one run for each within the window, one after another', async () => {
    const daemon = away({ cron: '30 1 * * *', catchUp: 'all', catchUpWindow: '2d' });
    expect(statesOf('nightly')).toEqual(['succeeded', 'missed', 'running', 'waiting']);
    await daemon.end(daemon.begun[0]!);
    expect(times(daemon.begun)).toEqual(['11-23T01:30', '11-24T01:30']);
    expect(notices()).toHaveLength(1);
  });

  test('what is older than the window is not caught up', () => {
    const daemon = away({ cron: '30 1 * * *', catchUpWindow: '2h' });
    expect(daemon.begun).toEqual([]);
    expect(notices()).toHaveLength(1);
  });

  test('in a blackout they are not missed', () => {
    const daemon = away({ cron: '30 1 * * *', blackout: [{ from: '01:00', to: '02:00' }] });
    expect(daemon.begun).toEqual([]);
    expect(new Set(statesOf('nightly'))).toEqual(new Set(['blackout']));
    expect(notices()).toEqual([]);
  });

  test('a restart in the minute of a slot loses nothing', () => {
    const before = simulatedDaemon(temporary.state, clock);
    before.plan('nightly', { cron: '30 1 * * *', catchUp: 'none' });
    before.until(start + hour);
    clock.now = Date.parse('2026-11-21T01:32:00Z');
    const after = simulatedDaemon(temporary.state, clock);
    after.plan('nightly', { cron: '30 1 * * *', catchUp: 'none' });
    after.until(clock.now);
    expect(after.begun).toHaveLength(1);
    expect(slotsOf('nightly')[0]?.trigger).toBe('schedule');
  });

  test('a slot that a dead daemon had claimed is run by the next one', () => {
    const slot = Date.parse('2026-11-21T01:30:00Z');
    const dead = { pid: 999_999_999, start_time: '1', boot_id: 'gone' };
    const daemon = simulatedDaemon(temporary.state, clock);
    daemon.plan('nightly', { cron: '30 1 * * *' });
    const of = { plan: 'nightly', kind: 'backup', node: 'local', repository: 'primary' };
    decideSlot(temporary.state, {
      ...of,
      slot,
      state: 'claimed',
      reason: null,
      trigger: 'schedule',
      runId: 'never-begun',
      owner: dead,
      decided: slot,
    });
    clock.now = slot + 20 * minute;
    daemon.until(clock.now);
    expect(times(daemon.begun)).toEqual(['11-21T01:30']);
  });
});

describe('a transaction that fails', () => {
  /** The state, one of whose transactions, the `at`th from when it is told to, does its work and then fails. */
  const failing = (at: number) => {
    const faults = { left: Infinity, begin: (): void => void (faults.left = at) };
    const { state } = temporary;
    let depth = 0;
    const transaction: typeof state.transaction = (work) =>
      state.transaction(() => {
        const fails = depth === 0 && faults.left-- === 0;
        depth++;
        try {
          const value = work();
          if (fails) throw new Error('database is locked');
          return value;
        } finally {
          depth--;
        }
      });
    return { faults, state: { ...state, transaction } };
  };

  test.each([0, 1, 2])('batch %s of more than a thousand plans at the start: none is lost', (batch) => {
    const { faults, state } = failing(batch);
    const daemon = simulatedDaemon(state, clock, { endAtOnce: true });
    temporary.state.transaction(() => {
      for (let at = 0; at < 1100; at++) daemon.plan(`plan${at}`, { cron: `${at % 50} 13 * * *` });
    });
    faults.begin();
    expect(() => daemon.scheduler.wake()).toThrow('database is locked');
    // As the daemon does after five seconds.
    daemon.until(start + 2 * hour);
    expect(new Set(daemon.begun.map(({ plan }) => plan)).size).toBe(1100);
  });

  test('the slot that a dead daemon had claimed is caught up by the next attempt', () => {
    const slot = Date.parse('2026-11-21T01:30:00Z');
    const { faults, state } = failing(0);
    const daemon = simulatedDaemon(state, clock);
    daemon.plan('nightly', { cron: '30 1 * * *' });
    daemon.until(start + minute);
    decideSlot(temporary.state, {
      plan: 'nightly',
      kind: 'backup',
      node: 'local',
      repository: 'primary',
      reason: null,
      trigger: 'schedule',
      slot,
      state: 'claimed',
      runId: 'never-begun',
      owner: { pid: 999_999_999, start_time: '1', boot_id: 'gone' },
      decided: slot,
    });
    clock.now = slot + 20 * minute;
    daemon.scheduler.settle();
    faults.begin();
    expect(() => daemon.scheduler.wake()).toThrow('database is locked');
    daemon.until(clock.now + minute);
    expect(times(daemon.begun)).toEqual(['11-21T01:30']);
  });
});

test('a blackout over midnight, in the zone of the plan, on its days', () => {
  const daemon = simulatedDaemon(temporary.state, clock, { endAtOnce: true });
  const blackout: Schedule['blackout'] = [{ from: '22:00', to: '06:00', days: ['fri'], reason: 'end of the week' }];
  daemon.plan('hourly', { cron: '0 */2 * * *', timezone: 'Europe/Berlin', blackout });
  daemon.until(start + day);
  // The 20th is a Friday; Berlin is an hour ahead.
  expect(
    slotsOf('hourly')
      .filter(({ state }) => state === 'blackout')
      .map(({ slot }) => new Date(slot).toISOString().slice(8, 16)),
  ).toEqual(['20T21:00', '20T23:00', '21T01:00', '21T03:00']);
  expect(slotsOf('hourly').find(({ state }) => state === 'blackout')?.reason).toBe('end of the week');
});

test('a blackout of one time, on the clock of the zone or of its own', () => {
  const daemon = simulatedDaemon(temporary.state, clock, { endAtOnce: true });
  const blackout: Schedule['blackout'] = [
    { start: '2026-11-20T15:00', end: '2026-11-20T18:00', reason: 'storage moves' },
    { start: '2026-11-20T18:00:00Z', end: '2026-11-20T20:00+01:00' },
  ];
  daemon.plan('hourly', { cron: '0 * * * *', timezone: 'Europe/Berlin', blackout });
  daemon.until(start + 2 * day);
  const out = slotsOf('hourly').filter(({ state }) => state === 'blackout');
  // Berlin is an hour ahead; the end is exclusive.
  expect(out.map(({ slot }) => new Date(slot).toISOString().slice(8, 16))).toEqual([
    '20T14:00',
    '20T15:00',
    '20T16:00',
    '20T18:00',
  ]);
  expect(out.map(({ reason }) => reason)).toEqual([
    ...Array.from({ length: 3 }, () => 'storage moves'),
    'blackout 2026-11-20T18:00:00Z to 2026-11-20T20:00+01:00',
  ]);
});

test('a pause leaves rows, and as many failures as the plan says pause it', async () => {
  const daemon = simulatedDaemon(temporary.state, clock);
  daemon.plan('hourly', { cron: '0 * * * *', pauseOnFailure: 2 });
  daemon.until(start + hour);
  await daemon.end(daemon.begun[0]!, 'failed');
  daemon.until(start + 2 * hour);
  await daemon.end(daemon.begun[1]!, 'failed');
  expect(findSchedule(temporary.state, 'hourly')).toMatchObject({ failures: 2, pauseReason: 'its last 2 runs failed' });
  daemon.until(start + 4 * hour);
  expect(statesOf('hourly')).toEqual(['failed', 'failed', 'paused', 'paused']);
  expect(notices().map(({ event }) => event)).toContain('paused');
});

test('a run that could not begin is a failure of its plan, and is told', async () => {
  const error = { code: 'settings.invalid', message: 'unknown key "foo"', remedy: 'Look.', position: null };
  let refused: ErrorOutput | null = error;
  const daemon = simulatedDaemon(temporary.state, clock, { refuse: () => refused });
  daemon.plan('hourly', { cron: '0 * * * *', pauseOnFailure: 3 });
  const watched = { kind: 'backup', vm: 'hourly', repository: 'primary', notify: undefined, rpo: null };
  watchPlan(temporary.state, { plan: 'hourly', file: '/plans/hourly.yaml', ...watched }, start);
  const anHour = async (): Promise<void> => {
    daemon.until(clock.now + hour);
    await new Promise((resolve) => setImmediate(resolve));
  };
  await anHour();
  expect(slotsOf('hourly')[0]).toMatchObject({ state: 'failed', reason: error.message });
  expect(notices().map(({ event, plan, message }) => [event, plan, message])).toEqual([
    ['failure', 'hourly', 'hourly could not begin: settings.invalid: unknown key "foo"'],
  ]);
  expect(healthOf(temporary.state, 'hourly')).toMatchObject({ failures: 1, failing_since: clock.now });
  // Another run of the VM is no failure, and a stop is none.
  for (const code of ['run.locked', 'run.cancelled']) {
    refused = { ...error, code };
    await anHour();
  }
  expect(statesOf('hourly')).toEqual(['failed', 'skipped', 'cancelled']);
  expect(notices()).toHaveLength(1);
  refused = null;
  await anHour();
  await daemon.end(daemon.begun[0]!);
  expect(notices().map(({ event }) => event)).toContain('recovery');
});

test('a success in between begins the count of failures anew', async () => {
  const daemon = simulatedDaemon(temporary.state, clock);
  daemon.plan('hourly', { cron: '0 * * * *', pauseOnFailure: 2 });
  for (const [index, status] of (['failed', 'succeeded', 'failed'] as const).entries()) {
    daemon.until(start + (index + 1) * hour);
    await daemon.end(daemon.begun[index]!, status);
  }
  expect(findSchedule(temporary.state, 'hourly')).toMatchObject({ failures: 1, paused: null });
});

test('limits: what waits begins oldest slot first, and what needs something else is not held up', async () => {
  const daemon = simulatedDaemon(temporary.state, clock, { limits: { runs: 3, runsPerNode: 2 } });
  for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) daemon.plan(name, { cron: `${index} 13 * * *` });
  daemon.plan('far', { cron: '10 13 * * *' }, { node: 'site-b' });
  daemon.until(start + 2 * hour);
  expect(daemon.begun.map(({ plan }) => plan)).toEqual(['a', 'b', 'far']);
  expect(slotsOf('c')[0]?.reason).toContain('on node local');
  await daemon.end(daemon.begun[1]!);
  expect(daemon.begun.map(({ plan }) => plan)).toEqual(['a', 'b', 'far', 'c']);
});

test('two plans of one VM wait for each other', async () => {
  const daemon = simulatedDaemon(temporary.state, clock);
  daemon.plan('nightly', { cron: '0 13 * * *' }, { lock: 'primary/pgtest1' });
  daemon.plan('weekly', { cron: '0 13 * * *' }, { lock: 'primary/pgtest1' });
  daemon.until(start + 2 * hour);
  expect(daemon.begun.map(({ plan }) => plan)).toEqual(['nightly']);
  await daemon.end(daemon.begun[0]!);
  expect(daemon.begun.map(({ plan }) => plan)).toEqual(['nightly', 'weekly']);
});

test('a plan that is taken off is not run, and its waiting slot ends', () => {
  const daemon = simulatedDaemon(temporary.state, clock);
  daemon.plan('hourly', { cron: '0 * * * *', overlap: 'queue' });
  daemon.until(start + 2 * hour);
  daemon.scheduler.drop('hourly');
  daemon.until(start + 5 * hour);
  expect(statesOf('hourly')).toEqual(['running', 'skipped']);
});

test('the clock set back runs nothing again; set forward, slots are missed', () => {
  const daemon = simulatedDaemon(temporary.state, clock, { endAtOnce: true });
  daemon.plan('hourly', { cron: '0 * * * *', catchUp: 'none' });
  daemon.until(start + 2 * hour);
  clock.now = start + 30 * minute;
  daemon.until(start + 3 * hour);
  expect(daemon.begun).toHaveLength(3);
  clock.now = start + 6 * hour + 30 * minute;
  daemon.until(clock.now);
  expect(statesOf('hourly')).toEqual(['succeeded', 'succeeded', 'succeeded', 'missed', 'missed', 'missed']);
});

test('what is paused by hand is seen by a daemon that runs', () => {
  const daemon = simulatedDaemon(temporary.state, clock, { endAtOnce: true });
  daemon.plan('hourly', { cron: '0 * * * *' });
  pauseSchedule(temporary.state, 'hourly', 'storage moves', clock.now);
  daemon.until(start + hour);
  expect(slotsOf('hourly')).toMatchObject([{ state: 'paused', reason: 'storage moves' }]);
});

test('a pause keeps its reason and its time until somebody gives another reason', () => {
  const daemon = simulatedDaemon(temporary.state, clock, { endAtOnce: true });
  daemon.plan('hourly', { cron: '0 * * * *' });
  const paused = (reason: string | null, now: number) => {
    expect(pauseSchedule(temporary.state, 'hourly', reason, now)).toBe(true);
    return findSchedule(temporary.state, 'hourly');
  };
  expect(paused('storage moves', start)).toMatchObject({ paused: start, pauseReason: 'storage moves' });
  expect(paused(null, start + hour)).toMatchObject({ paused: start, pauseReason: 'storage moves' });
  expect(paused('and the hub', start + hour)).toMatchObject({ paused: start, pauseReason: 'and the hub' });
  resumeSchedule(temporary.state, 'hourly', start + 2 * hour);
  expect(paused(null, start + 3 * hour)).toMatchObject({ paused: start + 3 * hour, pauseReason: 'paused by hand' });
  expect(pauseSchedule(temporary.state, 'nope', null, start)).toBe(false);
});
