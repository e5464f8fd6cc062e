import { join } from 'node:path';
import { expect, test } from 'vitest';
import { timetable } from '../../src/hub/timetable/timetable.ts';
import type { Schedule, Settings } from '../../src/schemas/types.ts';
import { openState, type State } from '../../src/state/database/open-state.ts';
import { decideSlot } from '../../src/state/schedules/schedule-slots.ts';
import { acceptPlan, pauseSchedule } from '../../src/state/schedules/schedules.ts';
import { insertRun } from '../bench/many-points.ts';
import { temporaryFolder, type TemporaryFolder } from '../host/temporary-folder.ts';

const [hour, day] = [3_600_000, 86_400_000];
/** A whole hour that is over. */
const now = Math.floor(Date.now() / hour) * hour;
/** Once a night, never in the hour that goes on: by now it may be over, or not. */
const nightly = `30 ${new Date(now).getHours() === 1 ? 3 : 1} * * *`;

const ownState = (folder: TemporaryFolder): State => openState(join(folder.path, 'state.db'));

function add(state: State, plan: string, schedule: Schedule, vm = plan.replace(/-.*/, '')): void {
  const facts = { kind: 'backup', vm, node: 'local', repository: 'primary', lock: `vm:${vm}`, schedule };
  acceptPlan(state, { plan, file: `/${plan}.yaml`, text: 'x', facts, stamp: '', now: now - 30 * day });
}

const within = (state: State, limits: Settings['limits'] = {}, sees?: (vm: string) => boolean) =>
  timetable({ state, limits }, { from: now - day, to: now + 6 * day, sees });

test('what ran, what comes and what a blackout hinders, each once', async () => {
  await using folder = await temporaryFolder();
  using state = ownState(folder);
  add(state, 'pg1-nightly', {
    cron: nightly,
    blackout: [{ days: ['sun'], from: '00:00', to: '06:00', reason: 'inventory' }],
  });
  add(state, 'pg2-hourly', { cron: '0 * * * *', enabled: false });
  add(state, 'pg3-nightly', { cron: '0 2 * * *' });
  pauseSchedule(state, 'pg3-nightly', 'moved', now);
  const slot = { kind: 'backup', node: 'local', repository: 'primary', owner: null, decided: now, reason: null };
  const ran = { ...slot, plan: 'pg1-nightly', slot: now - 5 * hour, state: 'failed', trigger: 'schedule' } as const;
  decideSlot(state, { ...ran, runId: 'r-1' });
  decideSlot(state, { ...ran, slot: now - 3 * day, runId: 'r-0' });
  const { plans, blackouts, conflicts } = within(state);
  const [first, second, third] = plans;
  expect(first?.past).toEqual([{ at: now - 5 * hour, state: 'failed', run: 'r-1' }]);
  const all = [...(first?.coming ?? []), ...(first?.hindered ?? [])];
  expect(all.length).toBe(6);
  expect(first?.hindered.every((at) => new Date(at).getUTCDay() === 0)).toBe(true);
  expect(first?.hindered.length).toBe(blackouts.length);
  expect(blackouts[0]).toMatchObject({ reason: 'inventory', plans: 1 });
  expect(first?.next).toBe(Math.min(...all));
  expect([second?.coming, second?.next]).toEqual([[], null]);
  expect([third?.coming, third?.paused?.reason]).toEqual([[], 'moved']);
  expect(conflicts).toEqual([]);
  expect(within(state, {}, (vm) => vm === 'pg2').plans.map(({ plan }) => plan)).toEqual(['pg2-hourly']);
});

test('plans that get in each other’s way are told: on one VM, and by the limits', async () => {
  await using folder = await temporaryFolder();
  using state = ownState(folder);
  add(state, 'pg1-nightly', { cron: nightly });
  add(state, 'pg1-second', { cron: nightly });
  add(state, 'pg2-nightly', { cron: nightly });
  const { conflicts } = within(state, { runs: 2 });
  expect(conflicts.filter(({ kind }) => kind === 'vm')).toMatchObject([
    { times: expect.closeTo(6, 0) as number, plans: ['pg1-nightly', 'pg1-second'] },
  ]);
  const limits = conflicts.filter(({ kind }) => kind === 'limit');
  expect(limits.length).toBeGreaterThan(4);
  expect(limits[0]?.message).toBe('3 runs want to go on at once; the hub lets 2 (limits), the others wait.');
});

test('300 nightly plans of a week are told in less than 300 kB', async () => {
  await using folder = await temporaryFolder();
  using state = ownState(folder);
  state.transaction(() => {
    for (let vm = 0; vm < 300; vm++) {
      const plan = `vm${String(vm).padStart(4, '0')}-nightly`;
      add(state, plan, { cron: `${vm % 60} ${vm % 5} * * *`, timezone: 'Europe/Berlin', jitter: '10m' });
      for (let night = 1; night <= 7; night++)
        decideSlot(state, {
          plan,
          slot: now - night * day,
          state: 'succeeded',
          reason: null,
          trigger: 'schedule',
          kind: 'backup',
          node: 'local',
          repository: 'primary',
          runId: `20261124T013000-${String(vm).padStart(6, '0')}`,
          owner: null,
          decided: now,
        });
      insertRun(state, vm, 0, { vms: 300, points: 1, runs: 1, until: now });
    }
  });
  const spans = [
    { from: now - 7 * day, to: now },
    { from: now - 3 * day, to: now + 4 * day },
    { from: now, to: now + 7 * day },
  ];
  for (const span of spans) {
    const text = JSON.stringify(timetable({ state, limits: { runs: 4 } }, span));
    expect(text.length).toBeLessThan(300_000);
  }
});
