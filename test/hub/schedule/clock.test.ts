import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { watchClock } from '../../../src/hub/clock-watch.ts';
import { describeSchedules } from '../../../src/hub/schedule/describe-schedules.ts';
import { clockDoubt } from '../../../src/state/schedules/clock-looks.ts';
import { inFuture } from '../../../src/state/database/in-future.ts';
import { listSlots } from '../../../src/state/schedules/schedule-slots.ts';
import { printedRandom } from '../../support/random.ts';
import { rounds } from '../../support/rounds.ts';
import { temporaryState, type TemporaryState } from '../../state/temporary-state.ts';
import { simulatedDaemon, type SimulatedDaemon } from './simulated-daemon.ts';

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

const notices = (): { event: string; message: string }[] =>
  temporary.state.all(temporary.state.query.selectFrom('notices').select(['event', 'message']).orderBy('number'));
const times = (runs: readonly { slot: number }[]): string[] =>
  runs.map(({ slot }) => new Date(slot).toISOString().slice(5, 16));
const hourly = { cron: '0 * * * *' };
const fresh = (schedule = hourly): SimulatedDaemon => {
  const daemon = simulatedDaemon(temporary.state, clock, { endAtOnce: true });
  daemon.plan('hourly', schedule);
  return daemon;
};

describe.each([
  ['2 hours', 2 * hour],
  ['400 days', 400 * day],
])('a clock that was %s ahead for a minute', (_name, ahead) => {
  test.each([
    ['in the life of a daemon', false],
    ['in the life of another daemon', true],
  ])('%s: every slot afterwards is run in its time', (_life, again) => {
    let daemon = fresh();
    daemon.until(start + hour + minute);
    if (again) daemon = fresh();
    clock.now += ahead;
    daemon.until(clock.now + minute);
    clock.now -= ahead;
    const before = daemon.begun.length;
    if (again) daemon = fresh();
    daemon.until(start + 7 * hour);
    const runs = again ? daemon.begun : daemon.begun.slice(before);
    expect(times(runs)).toEqual(['14', '15', '16', '17', '18', '19'].map((hours) => `11-20T${hours}:00`));
    expect(runs.every(({ begun, slot }) => begun === slot)).toBe(true);
    expect(inFuture(temporary.state, clock.now)).toEqual([]);
  });

  test('slots that came while no daemon was there afterwards are caught up', () => {
    const daemon = fresh();
    daemon.until(start + hour + minute);
    clock.now += ahead;
    daemon.until(clock.now + minute);
    clock.now -= ahead;
    daemon.until(clock.now + minute);
    clock.now = start + 4 * hour + 30 * minute;
    const after = fresh();
    after.until(clock.now);
    expect(times(after.begun)).toEqual(['11-20T16:00']);
    expect(listSlots(temporary.state, { plan: 'hourly', to: clock.now }).map(({ state }) => state)).toEqual([
      'succeeded',
      // Run by the clock that was 2 hours ahead.
      ahead === 2 * hour ? 'succeeded' : 'missed',
      'missed',
      'succeeded',
    ]);
  });
});

test('a plan that came while the clock was ahead is run in its time afterwards', () => {
  clock.now = start + 400 * day;
  fresh().until(clock.now + minute);
  clock.now = start;
  const daemon = fresh();
  daemon.until(start + 3 * hour);
  expect(times(daemon.begun)).toEqual(['11-20T13:00', '11-20T14:00', '11-20T15:00']);
});

test('what a clock that was ahead for long had run on time is run again, once it is known to have been wrong', () => {
  fresh().until(start + hour);
  clock.now = start + 400 * day;
  fresh().until(clock.now + 3 * hour);
  clock.now = start + 90 * minute;
  fresh().until(start + 3 * hour);
  clock.now = start + 400 * day - hour;
  const daemon = fresh();
  daemon.until(clock.now + 3 * hour);
  expect(daemon.begun.filter(({ begun, slot }) => begun === slot && slot > start + 400 * day)).toHaveLength(2);
});

test('a slot until which all counts as decided, though the clock is behind it, is an alarm, and no last slot', () => {
  const daemon = fresh();
  clock.now += 400 * day;
  daemon.until(clock.now + minute);
  clock.now = start + hour;
  expect(inFuture(temporary.state, clock.now)).toMatchObject([{ what: 'slot', plan: 'hourly' }]);
  expect(describeSchedules(temporary.state, { host: 'a', now: clock.now }).schedules[0]?.last ?? null).toBeNull();
});

describe('what the clock did is told', () => {
  const look = (now: number, sinceBoot: number, bootId = 'one'): number | null =>
    watchClock(temporary.state, { now, sinceBoot, bootId }, { warn: () => {} });

  test('a clock that is right, or is kept right, is nothing to tell', () => {
    for (let at = 0; at < 100; at++) expect(look(start + at * 61_000 + at * 10, at * 61_000)).toBeNull();
    // Another start of the machine, later.
    expect(look(start + day, 5000, 'two')).toBeNull();
    expect(notices()).toEqual([]);
  });

  test('set ahead and back, each once, whoever looks', () => {
    look(start, 0);
    expect(look(start + 2 * hour + minute, minute)).toBe(2 * hour);
    expect(look(start + 2 * hour + 2 * minute, 2 * minute)).toBeNull();
    expect(look(start + 3 * minute, 3 * minute)).toBe(-2 * hour);
    expect(look(start + 4 * minute, 4 * minute)).toBeNull();
    expect(notices().map(({ event, message }) => [event, message.slice(0, 37)])).toEqual([
      ['clock', 'the clock was set ahead by 2h: it sho'],
      ['clock', 'the clock was set back by 2h: it show'],
    ]);
  });

  test('over a restart of the machine, a clock that went back', () => {
    look(start + 400 * day, 0);
    expect(look(start, 1000, 'two')).toBe(-400 * day);
    expect(notices()[0]?.message).toContain('set back by at least 400d');
  });

  test('set back while nobody looked, and time passed what it had reached: those slots are not lost', () => {
    let since = 0;
    const daemon = fresh({ cron: '0 * * * *' });
    daemon.until(start + 10 * minute);
    look(clock.now, (since += 10 * minute));
    clock.now += 2 * hour;
    daemon.until(clock.now + minute);
    look(clock.now, (since += minute));
    // Nobody is there for three hours, and the clock is right again.
    clock.now = start + 3 * hour + 11 * minute;
    expect(look(clock.now, (since += 3 * hour))).toBe(-2 * hour);
    const after = fresh();
    after.until(clock.now);
    expect(times(after.begun)).toEqual(['11-20T15:00']);
    expect(listSlots(temporary.state, { plan: 'hourly', to: clock.now }).map(({ slot }) => slot)).toEqual(
      [3, 2, 1].map((hours) => start + hours * hour),
    );
  });
});

describe('a clock that was set ahead by more than all that it has shown is not believed for a day', () => {
  const at = (now: number, sinceBoot: number, bootId = 'one') => ({ now, sinceBoot, bootId });
  const seen = (now: number, sinceBoot: number, bootId = 'one'): number | undefined => {
    const look = at(now, sinceBoot, bootId);
    // Before it is noticed, and after.
    const before = clockDoubt(temporary.state, look);
    watchClock(temporary.state, look, { warn: () => {} });
    expect(clockDoubt(temporary.state, look)).toEqual(before);
    return before?.forMs;
  };

  test('in the life of the machine, until it was set right, or a day has passed', () => {
    expect(seen(start, 0)).toBeUndefined();
    expect(seen(start + 10 * day, 10 * day)).toBeUndefined();
    expect(seen(start + 10 * day + 2 * hour, 10 * day)).toBeUndefined();
    expect(seen(start + 410 * day, 10 * day)).toBe(day);
    expect(seen(start + 410 * day + 6 * hour, 10 * day + 6 * hour)).toBe(18 * hour);
    expect(seen(start + 10 * day + 7 * hour, 10 * day + 7 * hour)).toBeUndefined();
    expect(seen(start + 410 * day, 10 * day + 8 * hour)).toBe(day);
    expect(seen(start + 411 * day + hour, 11 * day + 9 * hour)).toBeUndefined();
    expect(seen(start + 412 * day, 12 * day)).toBeUndefined();
  });

  test('when the machine starts with it; one without a battery that is set right is believed', () => {
    seen(start, 90 * day);
    expect(seen(start + 400 * day, minute, 'two')).toBe(day);
    expect(seen(start + minute, 2 * minute, 'two')).toBeUndefined();
    expect(seen(start - 6000 * day, minute, 'three')).toBeUndefined();
    expect(seen(start + day, 2 * minute, 'three')).toBeUndefined();
  });
});

/**
 * A life of hours in which the clock is set and set right, daemons end and begin. The model knows the real time, and nothing
 * of how slots are kept.
 */
test('random clocks: no slot of real time is lost in silence, and none is run twice', { timeout: 600_000 }, () => {
  const numbers = printedRandom('clocks');
  const every = 20 * minute;
  for (let round = 0; round < rounds(12, 300); round++) {
    using bench = temporaryState();
    const wall = { now: start };
    let real = start;
    let skew = 0;
    let said: string[] = [];
    const runs: { slot: number; real: number; skew: number }[] = [];
    /** Stretches of real time in which a daemon lived and the clock was right. */
    const right: [number, number][] = [];
    let since = Infinity;
    const log = (text: string): void => void said.push(`${new Date(real).toISOString()} ${text}`);
    const look = (): void => {
      const jump = watchClock(
        bench.state,
        { bootId: 'one', sinceBoot: real - start, now: wall.now },
        { warn: () => {} },
      );
      if (jump !== null) log(`seen: ${jump / minute} min`);
    };
    const begin = (): SimulatedDaemon => {
      const daemon = simulatedDaemon(bench.state, wall, { endAtOnce: true });
      look();
      daemon.plan('model', { cron: '*/20 * * * *', catchUp: round % 2 === 0 ? 'latest' : 'none' });
      since = Math.min(since, real);
      return daemon;
    };
    let daemon: SimulatedDaemon | null = begin();
    const pass = (ms: number): void => {
      const from = real;
      const before = daemon?.begun.length ?? 0;
      if (daemon) {
        // As the daemon does every ten seconds.
        look();
        daemon.until(wall.now + ms);
        if (skew === 0) right.push([from, from + ms]);
      } else wall.now += ms;
      for (const { slot, begun } of daemon?.begun.slice(before) ?? []) {
        runs.push({ slot, real: begun - skew, skew });
        log(`run of ${new Date(slot).toISOString()}, clock ${skew / minute} min ahead`);
      }
      real = from + ms;
    };
    const set = (to: number): void => {
      log(`clock set from ${skew / minute} to ${to / minute} min ahead`);
      wall.now += to - skew;
      skew = to;
    };
    for (let step = 0; step < 25; step++) {
      const what = numbers.int(0, 6);
      if (what === 0) set(numbers.int(-90, 90) * minute * (numbers.chance(0.2) ? 24 * 30 : 1));
      else if (what === 1) set(0);
      else if (what === 2) daemon = (log(daemon ? 'daemon ends' : 'daemon begins'), daemon ? null : begin());
      pass(numbers.int(1, 50) * minute + numbers.int(0, 59_000));
    }
    // In the end all is right.
    set(0);
    daemon ??= begin();
    pass(2 * every + minute);
    const story = `round ${round}\n${said.join('\n')}`;
    const rows = new Map(listSlots(bench.state, { plan: 'model' }).map((row) => [row.slot, row]));
    for (let slot = Math.ceil((since + 1) / every) * every; slot <= real; slot += every) {
      const which = `${new Date(slot).toISOString()} of ${story}`;
      const own = runs.filter((run) => run.slot === slot);
      // A clock that is behind cannot tell that it is not the one before that was ahead.
      const inTime = own.filter((run) => run.real >= slot && run.skew >= 0);
      expect(inTime.length, `run twice: ${which}`).toBeLessThanOrEqual(1);
      if (!right.some(([from, to]) => from < slot && slot <= to)) continue;
      // It came while the clock was right and a daemon lived: run then, or run on time by a clock that was ahead.
      const early = own.some((run) => run.real < slot && run.skew > 0 && run.real + run.skew - slot <= 5 * minute);
      expect(inTime.some((run) => run.real === slot) || early, `lost: ${which}`).toBe(true);
      expect(rows.get(slot)?.state, which).toBe('succeeded');
    }
    said = [];
  }
});
