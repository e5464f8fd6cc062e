import type { NewRun, RunEnd } from '../../engine/journal.ts';
import type { ErrorOutput, GroupedRun } from '../../schemas/types.ts';
import { raiseNotice, wasSaid, type NoticeEvent } from '../notices/notices.ts';
import type { State } from '../database/open-state.ts';
import { healthOf, recordFailure, recordRunEnd } from '../schedules/plan-health.ts';
import type { SlotRecord } from '../schedules/schedule-slots.ts';
import type { PlanHealthTable, RunsTable } from '../database/tables.ts';

/**
 * The notices of a run's beginning and end. They are written in the transaction that begins or ends the run, so that no
 * crash comes between: a run that failed is heard of.
 */
export function noticeOfStart(state: State, run: NewRun): void {
  const { origin } = run;
  if (origin?.trigger === 'group' || origin?.parentRun !== undefined || run.kind === 'restore') return;
  raiseNotice(state, {
    event: 'started',
    plan: run.plan,
    vm: run.vm,
    repository: run.repository,
    runId: run.id,
    message: `${run.plan} began`,
    details: { kind: run.kind, trigger: origin?.trigger ?? 'manual' },
  });
}

/** Also brings the health of the plan up to date. */
export function noticeOfEnd(state: State, runId: string, end: RunEnd): void {
  const run = state.first(state.query.selectFrom('runs').selectAll().where('id', '=', runId));
  if (!run || run.trigger === 'group' || run.parent_run !== null) return;
  const before = recordRunEnd(state, run, end);
  // Who cancelled it knows; what stays behind then is worth a word all the same.
  if (end.status === 'cancelled' && !end.unclean) return;
  // Who restores by hand sees how it goes; a plan that says who is to be told means it.
  if (run.kind === 'restore' && before?.notify == null) return;
  const raise = (event: NoticeEvent, message: string): string =>
    raiseNotice(
      state,
      {
        event,
        plan: run.plan,
        vm: run.vm,
        repository: run.repository,
        runId,
        message,
        details: detailsOf(run, end),
      },
      end.finished,
    );
  if (end.status !== 'succeeded') {
    const { error, undoErrors = [] } = end;
    const left = undoErrors.map(({ message }) => message).join('; ');
    const after = left === '' ? '' : `; not cleaned up: ${left}`;
    if (end.status === 'cancelled') raise('failure', `${run.plan} was cancelled${after}`);
    else
      raise(
        'failure',
        `${run.plan} failed: ${error === null ? end.status : `${error.code}: ${error.message}`}${after}`,
      );
    return;
  }
  if (end.warnings.length > 0 || end.exitCode === 3)
    raise('warning', `${run.plan} succeeded with ${counted(end.warnings.length, 'warning')}`);
  else raise('success', `${run.plan} succeeded`);
  if (before && (before.failing_since !== null || before.rpo_since !== null))
    raise('recovery', `${run.plan} succeeded again ${afterWhat(before)}`);
}

/**
 * The run of a slot failed before it was in the journal, where nothing else speaks of it: its settings are invalid, its
 * program could not be started, its process died. Counts as a failure of the plan; one that was begun by hand was seen.
 */
export function noticeOfUnbegun(
  state: State,
  { plan, slot, runId, trigger, repository }: SlotRecord,
  error: ErrorOutput,
  now: number,
): void {
  const health = healthOf(state, plan);
  if (health) recordFailure(state, health, { runId: null, error, at: now });
  if (trigger === 'manual' || (runId !== null && wasSaid(state, runId, 'invalid-plan'))) return;
  raiseNotice(
    state,
    {
      event: 'failure',
      plan,
      vm: health?.vm,
      repository,
      runId,
      message: `${plan} could not begin: ${error.code}: ${error.message}`,
      details: { trigger, slot, error },
    },
    now,
  );
}

const detailsOf = (run: RunsTable, end: RunEnd): Record<string, unknown> => ({
  kind: run.kind,
  trigger: run.trigger,
  status: end.status,
  exit_code: end.exitCode,
  started: run.started,
  finished: end.finished,
  error: end.error,
  ...(end.undoErrors?.length ? { undo_errors: end.undoErrors } : {}),
  warnings: end.warnings,
  ...(typeof end.result['backup_id'] === 'string' ? { backup_id: end.result['backup_id'] } : {}),
  ...(Array.isArray(end.result['runs']) ? { members: membersOf(end.result['runs'] as GroupedRun[]) } : {}),
});

/** The VMs of a group that have something to say, one line each. */
const membersOf = (runs: readonly GroupedRun[]): string[] => [
  `${runs.filter((run) => run.status === 'succeeded').length} of ${counted(runs.length, 'VM')} succeeded`,
  ...runs
    .filter((run) => run.status !== 'succeeded' || run.warnings.length > 0)
    .map((run) => `${run.vm}: ${run.message ?? (run.warnings.join('; ') || run.status)}`),
];

const afterWhat = ({ failures, failing_since, rpo_since }: PlanHealthTable): string =>
  failing_since === null
    ? `after no success since ${new Date(rpo_since ?? 0).toISOString()}`
    : `after ${counted(failures, 'failed run')} since ${new Date(failing_since).toISOString()}`;

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
