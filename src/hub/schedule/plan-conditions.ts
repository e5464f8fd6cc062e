import type { ProcessIdentity } from '../../schemas/types.ts';
import type { IsRunning } from '../../state/runs/locks.ts';
import type { State } from '../../state/database/open-state.ts';
import { listSlots, livingRuns } from '../../state/schedules/schedule-slots.ts';

/** A run of a plan that goes on or is about to begin. */
export interface BusyPlan {
  readonly plan: string;
  readonly runId: string;
  readonly trigger: string;
  /** Its process; null: it has not begun yet. */
  readonly owner: ProcessIdentity | null;
}

/** Plans with a run that goes on, by whatever it was begun. */
export function busyPlans(state: State, isRunning: IsRunning): Map<string, BusyPlan> {
  const busy = new Map<string, BusyPlan>();
  for (const { plan, runId, trigger, owner } of listSlots(state, { states: ['claimed', 'running'] }))
    if (runId !== null && owner && isRunning(owner)) busy.set(plan, { plan, runId, trigger, owner: null });
  for (const { id, plan, trigger, owner } of livingRuns(state, isRunning))
    busy.set(plan, { plan, runId: id, trigger, owner });
  return busy;
}

/** Why plans are paused, by plan. */
export const pausedPlans = (state: State): Map<string, string> =>
  new Map(
    state
      .all(state.query.selectFrom('schedules').select(['plan', 'pause_reason']).where('paused', 'is not', null))
      .map((row) => [row.plan, row.pause_reason ?? 'paused']),
  );
