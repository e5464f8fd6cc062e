import { thisProcess, isRunning } from '../../../src/host/programs/process-identity.ts';
import { createScheduler, type Scheduler } from '../../../src/hub/schedule/scheduler.ts';
import type { RunOrder } from '../../../src/hub/schedule/scheduler-options.ts';
import { takeSlot } from '../../../src/hub/schedule/take-slot.ts';
import type { AdmissionLimits } from '../../../src/state/schedules/admission.ts';
import { createJournal } from '../../../src/state/runs/create-journal.ts';
import type { State } from '../../../src/state/database/open-state.ts';
import { acceptPlan, findSchedule, type ScheduledPlan } from '../../../src/state/schedules/schedules.ts';
import { someRun } from '../../state/temporary-state.ts';
import type { ErrorOutput, Schedule } from '../../../src/schemas/types.ts';

export interface SimulatedRun extends RunOrder {
  readonly begun: number;
}

/** A scheduler on a real database, with a clock that the test moves and runs that the test ends. */
export interface SimulatedDaemon {
  readonly scheduler: Scheduler;
  readonly begun: SimulatedRun[];
  /** Puts a plan on the schedule. */
  plan(name: string, schedule: Schedule, more?: Partial<ScheduledPlan>): void;
  /** Lets time pass, waking when the scheduler wants to be woken. */
  until(time: number): void;
  end(run: RunOrder, status?: 'succeeded' | 'failed' | 'cancelled'): Promise<void>;
  readonly cancelled: string[];
}

export function simulatedDaemon(
  state: State,
  clock: { now: number },
  options: { limits?: AdmissionLimits; endAtOnce?: boolean; refuse?: () => ErrorOutput | null } = {},
): SimulatedDaemon {
  const journal = createJournal(state, isRunning);
  const begun: SimulatedRun[] = [];
  const ends = new Map<string, () => void>();
  const cancelled: string[] = [];
  const finish = (runId: string, status: 'succeeded' | 'failed' | 'cancelled'): void =>
    journal.finishRun(runId, {
      status,
      exitCode: status === 'succeeded' ? 0 : 1,
      result: {},
      error: null,
      warnings: [],
      published: status === 'succeeded',
      unclean: false,
      finished: clock.now,
    });
  const quiet = (): void => {};
  const scheduler = createScheduler({
    state,
    self: thisProcess(),
    isRunning,
    host: 'hub.example.com',
    limits: () => options.limits ?? {},
    now: () => clock.now,
    launch: (order) => {
      const refused = options.refuse?.() ?? null;
      if (refused) return { ended: Promise.resolve({ exitCode: 10, error: refused }), cancel: quiet };
      const { promise, resolve } = Promise.withResolvers<{ exitCode: number; error: null }>();
      const facts = findSchedule(state, order.plan)?.facts;
      takeSlot(state, order);
      const { node = null, repository = null, kind = 'backup' } = facts ?? {};
      journal.startRun(
        someRun(order.runId, {
          plan: order.plan,
          kind,
          node,
          repository,
          started: clock.now,
          lock: facts?.lock ?? null,
          origin: { trigger: 'schedule', slot: order.slot },
        }),
      );
      begun.push({ ...order, begun: clock.now });
      ends.set(order.runId, () => resolve({ exitCode: 0, error: null }));
      if (options.endAtOnce === true) {
        finish(order.runId, 'succeeded');
        resolve({ exitCode: 0, error: null });
      }
      return { ended: promise, cancel: () => cancelled.push(order.runId) };
    },
    cancelRun: ({ runId }) => void cancelled.push(runId),
    recover: quiet,
    onChange: quiet,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  return {
    scheduler,
    begun,
    cancelled,
    plan(name, schedule, more = {}) {
      const facts: ScheduledPlan = {
        kind: 'backup',
        vm: name,
        node: 'local',
        repository: 'primary',
        lock: `primary/${name}`,
        schedule,
        ...more,
      };
      acceptPlan(state, { plan: name, file: `/plans/${name}.yaml`, text: name, facts, stamp: '', now: clock.now });
      scheduler.put(name, facts, findSchedule(state, name)?.since ?? clock.now);
    },
    until(time) {
      for (;;) {
        scheduler.settle();
        const next = scheduler.wake();
        if (next > time) break;
        clock.now = Math.max(next, clock.now + 1);
      }
      clock.now = time;
      scheduler.settle();
      scheduler.wake();
    },
    async end(run, status = 'succeeded') {
      finish(run.runId, status);
      ends.get(run.runId)?.();
      await new Promise((resolve) => setImmediate(resolve));
      scheduler.wake();
    },
  };
}
