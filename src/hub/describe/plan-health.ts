import { isRunning } from '../../host/programs/process-identity.ts';
import type { ErrorOutput, StatusOutput } from '../../schemas/types.ts';
import { aheadMs, isAhead } from '../../state/database/in-future.ts';
import type { State } from '../../state/database/open-state.ts';
import { missedSlots, watchedPlans } from '../../state/schedules/plan-health.ts';
import { plansAhead } from '../../state/schedules/slot-progress.ts';
import type { PlanHealthTable } from '../../state/database/tables.ts';
import { isLate, rpoFrom } from '../notify/check-rpo.ts';

export type PlanHealth = StatusOutput['plans'][number];

export interface HealthFilter {
  readonly vm?: string | undefined;
  /** Only these. */
  readonly plans?: ReadonlySet<string> | undefined;
}

/**
 * How it goes with every plan that is watched, by name; those that restore are nobody's protection. Some queries, however
 * many plans there are, and none over all runs.
 */
export function planHealth(state: State, now: number, { vm, plans }: HealthFilter = {}): PlanHealth[] {
  const running = runningPlans(state);
  const paused = pausedPlans(state);
  const missed = missedSlots(state, now);
  const slotsAhead = new Set(plansAhead(state, now + aheadMs));
  return watchedPlans(state)
    .filter((health) => health.kind !== 'restore' && (vm === undefined || health.vm === vm))
    .filter((health) => plans?.has(health.plan) ?? true)
    .map((health) => {
      const since = paused.get(health.plan) ?? null;
      const late = isLate(health, now);
      const ahead = slotsAhead.has(health.plan) || isAhead(health.last_success, now);
      return {
        plan: health.plan,
        kind: health.kind,
        vm: health.vm,
        repository: health.repository,
        file: health.file,
        state: running.has(health.plan) ? 'running' : since !== null ? 'paused' : restingState(health, late, ahead),
        late,
        last_success: health.last_success,
        last_success_run: health.last_success_run,
        age_ms: health.last_success === null ? null : Math.max(0, now - rpoFrom(health)),
        rpo_ms: health.rpo,
        last_failure: health.last_failure,
        last_failure_run: health.last_failure_run,
        failing_since: health.failing_since,
        failures: health.failures,
        error:
          health.failing_since === null || health.last_error === null
            ? null
            : (JSON.parse(health.last_error) as ErrorOutput),
        missed_slots: missed.get(health.plan) ?? 0,
        paused: since,
      };
    });
}

function restingState(health: PlanHealthTable, late: boolean, ahead: boolean): PlanHealth['state'] {
  if (ahead) return 'clock';
  if (late) return 'late';
  if (health.failing_since !== null) return 'failing';
  return health.last_success === null ? 'never' : 'ok';
}

function runningPlans(state: State): Set<string> {
  const rows = state.all(
    state.query
      .selectFrom('runs')
      .select(['plan', 'owner_pid as pid', 'owner_start_time as start_time', 'owner_boot_id as boot_id'])
      .where('finished', 'is', null)
      .where('trigger', '<>', 'command'),
  );
  return new Set(rows.filter((owner) => isRunning(owner)).map(({ plan }) => plan));
}

function pausedPlans(state: State): Map<string, number> {
  const rows = state.all(
    state.query
      .selectFrom('schedules')
      .select(['plan', 'paused'])
      .where('paused', 'is not', null)
      .where('removed', 'is', null),
  );
  return new Map(rows.map(({ plan, paused }) => [plan, paused ?? 0]));
}
