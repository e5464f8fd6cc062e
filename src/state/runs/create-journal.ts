import type { Journal, JournalEntry, JournalledRun, JournalledStep, NewRun, RunEnd } from '../../engine/journal.ts';
import { assertTransition } from '../../engine/step-transitions.ts';
import { bootId, thisPlace } from '../../host/programs/process-identity.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';
import { acquireLock, lockHolder, releaseLocks, type IsRunning } from './locks.ts';
import type { State } from '../database/open-state.ts';
import { releaseUses } from '../points/point-uses.ts';
import { releasePorts } from './port-leases.ts';
import { noticeOfEnd, noticeOfStart } from './run-notices.ts';
import { findRun, listRuns, type RunRecord } from './runs.ts';

/** The engine's journal in SQLite. `isRunning` tells the live owner of a run from a dead one. */
export const createJournal = (state: State, isRunning: IsRunning): Journal => ({
  startRun: (run) =>
    state.transaction(() => {
      const holder = run.lock === null ? undefined : lockHolder(state, run.lock, isRunning);
      if (holder) return { started: false, holder };
      insertRun(state, run);
      if (run.lock !== null) acquireLock(state, run.lock, run.id, isRunning);
      noticeOfStart(state, run);
      return { started: true };
    }),
  record: (runId, stepId, entry) => state.transaction(() => record(state, runId, stepId, entry)),
  remember: (runId, stepId, name, value) => {
    const row = { run_id: runId, step_id: stepId, name, value: json(value) };
    state.run(
      state.query
        .insertInto('step_facts')
        .values(row)
        .onConflict((conflict) => conflict.doUpdateSet({ value: row.value })),
    );
  },
  unwinding: (runId) => {
    const update = state.query.updateTable('runs').set({ status: 'unwinding' });
    state.run(update.where('id', '=', runId).where('finished', 'is', null));
  },
  finishRun: (runId, end) => state.transaction(() => finishRun(state, runId, end)),
  finishRecovery: (runId, unclean) =>
    state.transaction(() => {
      state.run(
        state.query
          .updateTable('runs')
          .set({ unclean: Number(unclean), ...nobody })
          .where('id', '=', runId),
      );
      if (!unclean) releasePorts(state, runId);
    }),
  recoverableRuns: () => listRuns(state, { open: true }).reverse().map(toJournalled),
  stepsOf: (runId) => stepsOf(state, runId),
  claimRecovery: (runId, by, hasEnded = false) =>
    state.transaction(() => claimRecovery(state, runId, { by, hasEnded, isRunning })),
});

const json = (value: unknown): string => JSON.stringify(value ?? null);

const nobody = { recoverer_pid: null, recoverer_start_time: null, recoverer_boot_id: null };

function insertRun(state: State, run: NewRun): void {
  state.run(
    state.query.insertInto('runs').values({
      id: run.id,
      plan: run.plan,
      kind: run.kind,
      vm: run.vm,
      plan_file: run.planFile,
      plan_folder: run.planFolder,
      status: 'running',
      unclean: 0,
      published: 0,
      warnings: '[]',
      owner_pid: run.owner.pid,
      owner_start_time: run.owner.start_time,
      owner_boot_id: run.owner.boot_id,
      // It begins its runs itself.
      owner_place: thisPlace(),
      started: run.started,
      trigger: run.origin?.trigger ?? 'manual',
      slot: run.origin?.slot ?? null,
      parent_run: run.origin?.parentRun ?? null,
      node: run.node ?? null,
      repository: run.repository ?? null,
    }),
  );
}

function record(state: State, runId: string, stepId: string, entry: JournalEntry): void {
  const time = Date.now();
  const key = { run_id: runId, step_id: stepId };
  const now = state.first(
    state.query
      .selectFrom('steps')
      .select(['state', 'attempt'])
      .where('run_id', '=', runId)
      .where('step_id', '=', stepId),
  );
  assertTransition(stepId, now?.state, entry.event);
  const attempt = entry.event === 'started' ? entry.attempt : (now?.attempt ?? 1);
  const change = { state: entry.event, attempt, updated: time };
  if (entry.event === 'started' && !now) {
    const { uses, number } = entry;
    state.run(
      state.query.insertInto('steps').values({
        ...key,
        ...change,
        uses,
        number,
        claim: json(entry.claim),
        output: null,
        error: null,
        started: time,
      }),
    );
  } else {
    const update = state.query.updateTable('steps').where('run_id', '=', runId).where('step_id', '=', stepId);
    const output = 'output' in entry ? { output: json(entry.output) } : {};
    const error = entry.event === 'failed' ? { error: json(entry.error) } : {};
    const undo = entry.event === 'undo_failed' ? json(entry.error) : null;
    state.run(update.set({ ...change, ...output, ...error, undo_error: undo }));
  }
  state.run(state.query.insertInto('step_events').values({ ...key, event: entry.event, attempt, time }));
}

function finishRun(state: State, runId: string, end: RunEnd): void {
  state.run(
    state.query
      .updateTable('runs')
      .set({
        status: end.status,
        exit_code: end.exitCode,
        result: json(end.result),
        error: end.error && json(end.error),
        warnings: json(end.warnings),
        published: Number(end.published),
        unclean: Number(end.unclean),
        finished: end.finished,
        ...nobody,
      })
      .where('id', '=', runId),
  );
  releaseLocks(state, runId);
  releaseUses(state, runId);
  if (!end.unclean) releasePorts(state, runId);
  noticeOfEnd(state, runId, end);
}

/** Only processes of this boot and of this pid namespace can be looked for; those of an earlier boot have ended. */
const unseenIn = ({ owner, ownerPlace }: RunRecord): string | null =>
  ownerPlace === null || ownerPlace === thisPlace() || owner.boot_id !== bootId()
    ? null
    : (/\[([0-9]+)\]/.exec(ownerPlace)?.[1] ?? '0');

const toJournalled = (run: RunRecord): JournalledRun => ({
  id: run.id,
  plan: run.plan,
  planFolder: run.planFolder,
  owner: run.owner,
  unseenIn: unseenIn(run),
  started: run.started,
  open: run.finished === null,
  published: run.published,
});

function stepsOf(state: State, runId: string): JournalledStep[] {
  const steps = state.all(state.query.selectFrom('steps').selectAll().where('run_id', '=', runId).orderBy('number'));
  const facts = state.all(state.query.selectFrom('step_facts').selectAll().where('run_id', '=', runId));
  return steps.map((step) => {
    const own = facts.filter((fact) => fact.step_id === step.step_id);
    return {
      stepId: step.step_id,
      uses: step.uses,
      state: step.state,
      claim: JSON.parse(step.claim) as unknown,
      remembered: Object.fromEntries(own.map((fact) => [fact.name, JSON.parse(fact.value) as unknown])),
    };
  });
}

interface Recovery {
  readonly by: ProcessIdentity;
  /** Counts for an owner that cannot be looked for from here. */
  readonly hasEnded: boolean;
  readonly isRunning: IsRunning;
}

function claimRecovery(state: State, runId: string, { by, hasEnded, isRunning }: Recovery): boolean {
  const run = findRun(state, runId);
  if (!run || (run.finished !== null && !run.unclean)) return false;
  const unseen = unseenIn(run) !== null;
  if (run.finished === null && (unseen ? !hasEnded : isRunning(run.owner))) return false;
  const row = state.first(
    state.query
      .selectFrom('runs')
      .select(['recoverer_pid as pid', 'recoverer_start_time as start_time', 'recoverer_boot_id as boot_id'])
      .where('id', '=', runId),
  );
  if (row?.pid != null && isRunning({ pid: row.pid, start_time: row.start_time ?? '', boot_id: row.boot_id ?? '' })) {
    return false;
  }
  const recoverer = { recoverer_pid: by.pid, recoverer_start_time: by.start_time, recoverer_boot_id: by.boot_id };
  state.run(state.query.updateTable('runs').set(recoverer).where('id', '=', runId));
  return true;
}
