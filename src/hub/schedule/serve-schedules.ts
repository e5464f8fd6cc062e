import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { lookAtClock } from '../../host/system/boot-clock.ts';
import { askToEnd, startOwnProgram } from '../../host/programs/own-program.ts';
import { isRunning, thisProcess } from '../../host/programs/process-identity.ts';
import { watchFolders } from '../../host/files/watch-folders.ts';
import { loadSettings, type LoadedSettings } from '../../plan/load-settings.ts';
import { version } from '../../schemas/package.ts';
import { clockDoubt } from '../../state/schedules/clock-looks.ts';
import { deadRuns } from '../../state/runs/dead-runs.ts';
import type { State } from '../../state/database/open-state.ts';
import { forgetSlots } from '../../state/schedules/schedule-slots.ts';
import { watchClock } from '../clock-watch.ts';
import type { HubLog } from '../hub-log.ts';
import { withEnrolledNodes } from '../nodes/dial-hub.ts';
import { startNotifier } from '../notify/notifier.ts';
import { runStarter } from '../runs/start-run.ts';
import { createPatience } from './patience.ts';
import { createPlanRegister } from './plan-register.ts';
import { tellOnce } from './tell-once.ts';
import { sweepDeadRuns } from './sweep-dead-runs.ts';
import { createScheduler, longestSleep, type SchedulerCounts } from './scheduler.ts';
import type { RunningSlot, RunOrder } from './scheduler-options.ts';

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
  const { state, folder, settingsFile, program, log, pollMs = 60_000 } = options;
  await using stack = new AsyncDisposableStack();
  let settings: LoadedSettings = loadSettings(settingsFile, folder);
  // First in, last out: what the end of the daemon raises is delivered too, or waits for the next one.
  stack.use(
    startNotifier({
      state,
      settings: () => settings.settings,
      settingsFolder: dirname(settingsFile),
      warn: (message) => log.warn({}, message),
    }),
  );
  let mark = '';
  /** Of the clock that nobody sets. */
  let lastWake = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const wake = (): void => {
    clearTimeout(timer);
    if (stopped) return;
    let next = Date.now() + 5000;
    try {
      next = scheduler.wake();
      lastWake = performance.now();
    } catch (error) {
      log.error({ error: (error as Error).message }, 'what is due could not be decided; it is tried again');
    }
    if (Number.isFinite(next)) timer = setTimeout(wake, Math.min(Math.max(0, next - Date.now()), longestSleep));
  };
  stack.defer(() => {
    stopped = true;
    clearTimeout(timer);
  });

  let recovering = false;
  const recover = async (): Promise<void> => {
    if (recovering) return;
    recovering = true;
    const run = startOwnProgram([...program, '--config', settingsFile, 'recover', '--json'], { cwd: folder });
    const { exitCode, said } = await run.ended;
    if (exitCode !== 0) log.warn({ exit_code: exitCode, said }, 'what a run left behind could not be cleaned up');
    setTimeout(() => (recovering = false), 60_000).unref();
  };

  const startRun = runStarter({ program, settingsFile });
  const launch = ({ plan, slot, runId }: RunOrder): RunningSlot =>
    startRun(['schedule', 'run-slot', plan, String(slot), runId]);

  const scheduler = createScheduler({
    state,
    self: thisProcess(),
    isRunning,
    host: hostname(),
    limits: () => settings.settings?.limits ?? {},
    now: Date.now,
    launch,
    cancelRun: ({ owner }) => void (owner && askToEnd(owner)),
    recover: () => void recover(),
    onChange: wake,
    log,
  });

  const sweep = sweepDeadRuns({
    dead: () => deadRuns(state, isRunning),
    recover: () => void recover(),
    log,
    now: () => performance.now(),
  });

  // Runs read the settings themselves.
  const settingsTrouble = tellOnce(state, log, {
    file: settingsFile,
    code: 'settings.invalid',
    meaning: 'the settings are invalid; no run can begin until they are valid',
  });
  const folderTrouble = tellOnce(state, log, {
    file: folder,
    code: 'file.unreadable',
    meaning: 'plans could not be read; those known stay in force',
  });

  const patience = createPatience();

  /** @param final what is wrong is told at once, because nothing is read again */
  const readSettings = async ({ final }: { final: boolean }): Promise<void> => {
    const stamp = await stat(settingsFile).then(
      ({ mtimeMs, size, ino }) => `${mtimeMs}:${size}:${ino}`,
      () => '',
    );
    const next = `${version}:${stamp}`;
    if (next === mark) return patience.over(settingsFile);
    const loaded = loadSettings(settingsFile, folder);
    if (!loaded.settings) {
      if (!final && !patience.lasted(settingsFile)) return;
      const [problem] = loaded.diagnostics;
      return settingsTrouble.tell(`${settingsFile}:${problem?.line ?? 1}: ${problem?.message ?? 'they are gone'}`);
    }
    patience.over(settingsFile);
    settingsTrouble.over();
    if (mark !== '' && loaded.settings.state !== settings.settings?.state)
      log.warn({ file: settingsFile }, 'another state database is used after a restart only');
    settings = { ...loaded, settings: withEnrolledNodes(loaded.settings, state) };
    mark = next;
  };

  const register = createPlanRegister({ state, folder, now: Date.now, log });
  const watch = stack.use(watchFolders(() => void reread()));
  let lookAgain: NodeJS.Timeout | undefined;
  stack.defer(() => clearTimeout(lookAgain));
  let reading: Promise<void> = Promise.resolve();
  const reread = (): Promise<void> => (reading = reading.then(read));
  const lookAgainIn = (ms: number | null): void => {
    clearTimeout(lookAgain);
    if (ms !== null && !stopped) lookAgain = setTimeout(() => void reread(), ms);
  };
  const read = async (): Promise<void> => {
    if (stopped) return;
    try {
      await readSettings({ final: false });
      const { put, drop, folders, againMs } = await register.scan(settings, mark);
      patience.over(folder);
      folderTrouble.over();
      for (const plan of drop) scheduler.drop(plan);
      for (const { plan, facts, since } of put) scheduler.put(plan, facts, since);
      watch.watch([...folders, dirname(settingsFile)]);
      lookAgainIn(againMs ?? patience.againMs());
      if (put.length > 0 || drop.length > 0) {
        log.info({ plans: scheduler.counts().plans, changed: put.length, removed: drop.length }, 'plans read');
        wake();
      }
    } catch (error) {
      if (patience.lasted(folder)) folderTrouble.tell((error as Error).message);
      lookAgainIn(patience.againMs());
    }
  };

  const settle = (): void => {
    try {
      watchClock(state, lookAtClock(), log);
      scheduler.settle();
      if (!stopped && !recovering) sweep();
      // What waits may wait for what other processes do.
      wake();
    } catch (error) {
      log.error({ error: (error as Error).message }, 'slots could not be brought up to date; it is tried again');
    }
  };
  const forget = (): void => {
    try {
      if (clockDoubt(state, lookAtClock()) === null) forgetSlots(state, Date.now() - keepSlotsMs);
    } catch (error) {
      log.error({ error: (error as Error).message }, 'old slots could not be forgotten; it is tried again');
    }
  };
  await readSettings({ final: true });
  if (!settings.settings) throw new SendenseError('settings.invalid', `${settingsFile} cannot be used`);
  // Before anything is decided by it.
  watchClock(state, lookAtClock(), log);
  await reread();
  settle();
  forget();
  const timers = [
    setInterval(settle, settleEveryMs),
    setInterval(() => void reread(), pollMs),
    setInterval(forget, dayMs),
  ];
  stack.defer(() => timers.forEach((entry) => clearInterval(entry)));

  const owned = stack.move();
  return {
    reread: () => {
      mark = '';
      return reread();
    },
    counts: () => scheduler.counts(),
    answers: async () => {
      const quiet = performance.now() - lastWake;
      if (!stopped && quiet > 120_000) throw new Error(`nothing was decided for ${Math.round(quiet / 1000)} s`);
    },
    drain: () => {
      stopped = true;
      clearTimeout(timer);
      scheduler.drain();
      return scheduler.idle();
    },
    cancel: () => scheduler.cancel(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
