import type { ErrorOutput } from '../../schemas/types.ts';
import type { ClaimedSlot } from './claim-waiting.ts';
import type { BusyPlan } from './plan-conditions.ts';
import type { RunningSlot, SchedulerOptions } from './scheduler-options.ts';
import { slotTime } from './slots.ts';

/** The runs that this daemon began. */
export interface SlotRuns {
  readonly count: number;
  begin(slot: ClaimedSlot): void;
  /** Asks this run, of whatever process, to make room for the next slot of its plan. It is asked once. */
  makeRoom(run: BusyPlan): void;
  /** Asks every run to stop and clean up; a second time, to return at once. */
  cancel(): void;
  /** Resolves when no run goes on. */
  idle(): Promise<void>;
}

export interface SlotRunsOptions extends Pick<SchedulerOptions, 'launch' | 'cancelRun' | 'onChange' | 'log'> {
  /** Writes down how a run ended. Must not throw. */
  ended(slot: ClaimedSlot, error: ErrorOutput | null): void;
}

export function createSlotRuns({ launch, cancelRun, onChange, log, ended }: SlotRunsOptions): SlotRuns {
  const running = new Map<string, RunningSlot>();
  const cancelled = new Set<string>();
  let idle = Promise.withResolvers<void>();
  idle.resolve();

  const follow = async (slot: ClaimedSlot, run: RunningSlot): Promise<void> => {
    const { plan, runId } = slot;
    const { exitCode, error } = await run.ended;
    running.delete(runId);
    cancelled.delete(runId);
    const level = exitCode === 0 || exitCode === 3 ? 'info' : 'warn';
    const why = error ? { error: error.message } : {};
    log[level]({ plan, run: runId, exit_code: exitCode, ...why }, 'run ended');
    ended(slot, error);
    if (running.size === 0) idle.resolve();
    onChange();
  };

  return {
    get count() {
      return running.size;
    },
    begin(claimed) {
      const { plan, slot, runId, trigger } = claimed;
      log.info({ plan, slot: slotTime(slot), trigger, run: runId }, 'run begins');
      if (running.size === 0) idle = Promise.withResolvers<void>();
      const run = launch({ plan, slot, runId });
      running.set(runId, run);
      void follow(claimed, run);
    },
    makeRoom(run) {
      if (cancelled.has(run.runId)) return;
      cancelled.add(run.runId);
      log.info({ plan: run.plan, run: run.runId }, 'run is cancelled for the next slot of its plan');
      cancelRun(run);
    },
    cancel() {
      for (const run of running.values()) run.cancel();
    },
    idle: () => idle.promise,
  };
}
