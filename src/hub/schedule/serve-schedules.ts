import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { lookAtClock } from '../../host/system/boot-clock.ts';
import { askToEnd } from '../../host/programs/own-program.ts';
import { isRunning, thisPlace, thisProcess } from '../../host/programs/process-identity.ts';
import { enterDaemon } from '../../state/schedules/daemons.ts';
import { clockDoubt } from '../../state/schedules/clock-looks.ts';
import { deadRuns } from '../../state/runs/dead-runs.ts';
import type { State } from '../../state/database/open-state.ts';
import { forgetSlots } from '../../state/schedules/schedule-slots.ts';
import { watchClock } from '../clock-watch.ts';
import type { HubLog } from '../hub-log.ts';
import { startNotifier } from '../notify/notifier.ts';
import { runStarter } from '../runs/start-run.ts';
import { isDaemonAlive } from './daemon-alive.ts';
import { createAlarmClock, type AlarmClock } from './alarm-clock.ts';
import { followPlans } from './follow-plans.ts';
import { followSettings, type FollowedSettings } from './follow-settings.ts';
import { createPatience } from './patience.ts';
import { recoverApart, type RecoverApart } from './recover-apart.ts';
import { sweepDeadRuns } from './sweep-dead-runs.ts';
import { createScheduler, type Scheduler, type SchedulerCounts } from './scheduler.ts';

export interface ServeSchedulesOptions {
  readonly state: State;
  /** Absolute: the plans. */
  readonly folder: string;
  /** Absolute. Every plan of the folder runs with these settings. */
  readonly settingsFile: string;
  /** `sendense-run` as a list of words. */
  readonly program: readonly string[];
  readonly log: HubLog;
  /** How often the folder is looked at without being told of a change, ms; default a minute. */
  readonly pollMs?: number | undefined;
}

export interface ScheduleService extends AsyncDisposable {
  /** Reads settings and plans again. */
  reread(): Promise<void>;
  counts(): SchedulerCounts;
  /** Rejects where it does not do its work. */
  answers(): Promise<void>;
  /** Nothing begins from now on. Resolves when the last run has ended. */
  drain(): Promise<void>;
  /** Asks every run to stop and clean up; a second time, to return at once. */
  cancel(): void;
}

const settleEveryMs = 10_000;
const dayMs = 86_400_000;
/** How long it stays known what became of a slot, ms. */
const keepSlotsMs = 400 * dayMs;

/** The daemon: watches plans, and begins their runs as processes of their own. Other daemons on the same database are welcome. */
export async function serveSchedules(options: ServeSchedulesOptions): Promise<ScheduleService> {
  const { state, folder, settingsFile, log, pollMs = 60_000 } = options;
  await using stack = new AsyncDisposableStack();
  stack.use(enterDaemon(state, { owner: thisProcess(), place: thisPlace(), folder }, isDaemonAlive));
  const patience = createPatience();
  const settings = followSettings({ state, settingsFile, folder, patience, log });
  // First in, last out: what the end of the daemon raises is delivered too, or waits for the next one.
  stack.use(
    startNotifier({
      state,
      settings: () => settings.current().settings,
      settingsFolder: dirname(settingsFile),
      warn: (message) => log.warn({}, message),
    }),
  );
  const clock = stack.use(createAlarmClock(() => scheduler.wake(), log));
  const recovery = recoverApart(options);
  const scheduler = schedulerOf(options, settings, clock, recovery);
  const plans = stack.use(
    followPlans({
      ...options,
      settings,
      patience,
      scheduler,
      isStopped: clock.isStopped,
      onChange: clock.ring,
    }),
  );
  const settle = settler(options, scheduler, clock, recovery);

  await settings.read({ final: true });
  if (!settings.current().settings) throw new SendenseError('settings.invalid', `${settingsFile} cannot be used`);
  // Before anything is decided by it.
  watchClock(state, lookAtClock(), log);
  await plans.reread();
  settle();
  forgetOldSlots(options);
  const timers = [
    setInterval(settle, settleEveryMs),
    setInterval(() => void plans.reread(), pollMs),
    setInterval(() => forgetOldSlots(options), dayMs),
  ];
  stack.defer(() => timers.forEach((entry) => clearInterval(entry)));

  const owned = stack.move();
  return {
    reread: () => {
      settings.forget();
      return plans.reread();
    },
    counts: () => scheduler.counts(),
    answers: async () => clock.assertAwake(),
    drain: () => {
      clock.stop();
      scheduler.drain();
      return scheduler.idle();
    },
    cancel: () => scheduler.cancel(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function schedulerOf(
  { state, settingsFile, program, log }: ServeSchedulesOptions,
  settings: FollowedSettings,
  clock: AlarmClock,
  recovery: RecoverApart,
): Scheduler {
  const startRun = runStarter({ program, settingsFile });
  return createScheduler({
    state,
    self: thisProcess(),
    isRunning,
    host: hostname(),
    limits: () => settings.current().settings?.limits ?? {},
    now: Date.now,
    launch: ({ plan, slot, runId }) => startRun(['schedule', 'run-slot', plan, String(slot), runId]),
    cancelRun: ({ owner }) => void (owner && askToEnd(owner)),
    recover: recovery.begin,
    onChange: clock.ring,
    log,
  });
}

/** Brings slots up to date, and begins what waited for it: from time to time, because other processes do not tell. */
function settler(
  { state, log }: ServeSchedulesOptions,
  scheduler: Scheduler,
  clock: AlarmClock,
  recovery: RecoverApart,
): () => void {
  const sweep = sweepDeadRuns({
    dead: () => deadRuns(state, isRunning),
    recover: recovery.begin,
    log,
    now: () => performance.now(),
  });
  return () => {
    try {
      watchClock(state, lookAtClock(), log);
      scheduler.settle();
      if (!clock.isStopped() && !recovery.isBusy()) sweep();
      // What waits may wait for what other processes do.
      clock.ring();
    } catch (error) {
      log.error({ error: (error as Error).message }, 'slots could not be brought up to date; it is tried again');
    }
  };
}

function forgetOldSlots({ state, log }: ServeSchedulesOptions): void {
  try {
    if (clockDoubt(state, lookAtClock()) === null) forgetSlots(state, Date.now() - keepSlotsMs);
  } catch (error) {
    log.error({ error: (error as Error).message }, 'old slots could not be forgotten; it is tried again');
  }
}
