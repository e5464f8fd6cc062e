import { sql } from 'kysely';
import type { RunEnd } from '../../engine/journal.ts';
import type { ErrorOutput, GroupedRun } from '../../schemas/types.ts';
import type { State } from '../database/open-state.ts';
import type { PlanHealthTable, RunsTable } from '../database/tables.ts';

/** What is watched of a plan. */
export interface WatchedPlan {
  readonly plan: string;
  readonly kind: string;
  readonly vm: string;
  readonly repository: string | null;
  /** Absolute. */
  readonly file: string;
  /** `notify` of the plan; undefined: it has none. */
  readonly notify: unknown;
  /** ms; null: the plan has none. */
  readonly rpo: number | null;
}

/** Whether a run speaks for its plan: the runs of a group are summed up by the group's own, and commands have no plan. */
export const speaksForPlan = (run: Pick<RunsTable, 'trigger' | 'parent_run'>): boolean =>
  run.trigger !== 'group' && run.trigger !== 'command' && run.parent_run === null;

/** From now on it is known how it goes with a plan. Another plan that had the same file is no longer watched. */
export function watchPlan(state: State, watched: WatchedPlan, now = Date.now()): void {
  const { plan, kind, vm, repository, file, rpo } = watched;
  const facts = {
    kind,
    vm,
    repository,
    file,
    notify: watched.notify === undefined ? null : JSON.stringify(watched.notify),
    rpo,
    removed: null,
  };
  state.transaction(() => {
    const others = state.query.updateTable('plan_health').set({ removed: now });
    state.run(others.where('file', '=', file).where('plan', '<>', plan).where('removed', 'is', null));
    state.run(
      state.query
        .insertInto('plan_health')
        .values({ plan, since: now, failures: 0, ...facts })
        .onConflict((conflict) => conflict.column('plan').doUpdateSet(facts)),
    );
  });
}

/** How it goes with a plan, by name. */
export const healthOf = (state: State, plan: string): PlanHealthTable | undefined =>
  state.first(state.query.selectFrom('plan_health').selectAll().where('plan', '=', plan));

/** Plans that are watched, by name. */
export const watchedPlans = (state: State): PlanHealthTable[] =>
  state.all(state.query.selectFrom('plan_health').selectAll().where('removed', 'is', null).orderBy('plan'));

/** Changes what is known of a plan. */
export const updateHealth = (state: State, plan: string, change: Partial<Omit<PlanHealthTable, 'plan'>>): number =>
  state.run(state.query.updateTable('plan_health').set(change).where('plan', '=', plan));

/**
 * Takes the end of a run into the health of its plan, in the transaction that ends the run. A run that was cancelled says
 * nothing about its plan, unless it is that of a group some of whose VMs are done: the others have no new restore point.
 * Answers how it went with the plan before.
 */
export function recordRunEnd(state: State, run: RunsTable, end: RunEnd): PlanHealthTable | undefined {
  if (!speaksForPlan(run)) return undefined;
  const before = healthOf(state, run.plan);
  if (!before) return undefined;
  if (end.status === 'succeeded') {
    updateHealth(state, run.plan, {
      last_success: end.finished,
      last_success_started: run.started,
      last_success_run: run.id,
      failing_since: null,
      failures: 0,
      rpo_since: null,
      rpo_raised: null,
    });
  } else {
    const error = end.status === 'cancelled' ? undoneMembers(end) : end.error;
    if (error !== undefined) recordFailure(state, before, { runId: run.id, error, at: end.finished });
  }
  return before;
}

/** What is wrong after a group was cancelled; undefined: nothing. */
function undoneMembers({ result, error }: RunEnd): ErrorOutput | null | undefined {
  const runs = Array.isArray(result['runs']) ? (result['runs'] as readonly GroupedRun[]) : [];
  const done = runs.filter(({ status }) => status === 'succeeded').length;
  if (done === runs.length || error === null) return undefined;
  return { ...error, message: `${error.message}, when ${done} of ${runs.length} VMs were done` };
}

/** Takes a failure into the health of a plan. @param failure.runId null: no run began */
export const recordFailure = (
  state: State,
  { plan, failing_since, failures }: Pick<PlanHealthTable, 'plan' | 'failing_since' | 'failures'>,
  { runId, error, at }: { readonly runId: string | null; readonly error: ErrorOutput | null; readonly at: number },
): void =>
  void updateHealth(state, plan, {
    last_failure: at,
    last_failure_run: runId,
    last_error: error && JSON.stringify(error),
    failing_since: failing_since ?? at,
    failures: failures + 1,
  });

/**
 * How many slots of each plan were missed since its last success; plans without any are not in it. One of the future was
 * decided by a clock that was ahead, and a success of the future is none that they follow.
 */
export const missedSlots = (state: State, now: number): Map<string, number> =>
  new Map(
    state
      .all(
        state.query
          .selectFrom('schedule_slots')
          .innerJoin('plan_health', 'plan_health.plan', 'schedule_slots.plan')
          .select(({ fn }) => ['schedule_slots.plan', fn.countAll<number>().as('count')])
          // Written out, so that SQLite uses the index of missed slots.
          .where(sql<boolean>`schedule_slots.state = 'missed'`)
          .where('slot', '<=', now)
          .where(({ eb, fn, ref, lit }) => eb('slot', '>', fn.coalesce(ref('last_success_started'), lit(0))))
          .groupBy('schedule_slots.plan'),
      )
      .map(({ plan, count }) => [plan, count]),
  );
