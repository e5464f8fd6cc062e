import { sql } from 'kysely';
import type { ErrorOutput, ProcessIdentity } from '../../schemas/types.ts';
import type { State } from '../database/open-state.ts';
import type { RunsTable, StepsTable } from '../database/tables.ts';

export interface RunRecord {
  readonly id: string;
  readonly plan: string;
  readonly kind: string;
  readonly vm: string;
  readonly planFile: string;
  readonly planFolder: string;
  readonly status: RunsTable['status'];
  readonly unclean: boolean;
  readonly published: boolean;
  readonly exitCode: number | null;
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly error: ErrorOutput | null;
  readonly warnings: readonly string[];
  readonly owner: ProcessIdentity;
  /** `thisPlace` of the owner; null: a run of an earlier version. */
  readonly ownerPlace: string | null;
  readonly started: number;
  readonly finished: number | null;
  /** What began it: manual, schedule, group, … */
  readonly trigger: string;
  /** The slot of the schedule that it is for. */
  readonly slot: number | null;
  /** The run of the group that it belongs to. */
  readonly parentRun: string | null;
  readonly node: string | null;
  readonly repository: string | null;
  /** User or token of the hub's API that began it; null: something else did. */
  readonly askedBy: string | null;
  /** User or token that asked it to stop. */
  readonly stoppedBy: string | null;
}

export interface StepRecord {
  readonly id: string;
  readonly uses: string;
  readonly state: StepsTable['state'];
  readonly attempt: number;
  readonly claim: unknown;
  readonly output: unknown;
  readonly error: ErrorOutput | null;
  /** Why the last undo failed; null where it did not. */
  readonly undoError: ErrorOutput | null;
  readonly started: number;
  readonly updated: number;
}

export interface RunFilter {
  /** Only runs that have not ended or left something behind. */
  readonly open?: boolean;
  readonly vm?: string;
  readonly plan?: string;
  /** Any of these. */
  readonly status?: readonly RunsTable['status'][];
  /** Begun then or later, milliseconds since the epoch. */
  readonly since?: number;
  /** Only runs of this group's run. */
  readonly parentRun?: string;
  readonly limit?: number;
}

/** Runs, newest first. */
export function listRuns(state: State, filter: RunFilter = {}): RunRecord[] {
  // Open runs are few: with these words SQLite finds them by the index of open runs, and not by that of all times.
  const time = filter.open ? sql`+started` : 'started';
  let query = state.query.selectFrom('runs').selectAll().orderBy(time, 'desc').orderBy('id', 'desc');
  if (filter.open) query = query.where(sql<boolean>`(finished IS NULL OR unclean = 1)`);
  if (filter.vm !== undefined) query = query.where('vm', '=', filter.vm);
  if (filter.plan !== undefined) query = query.where('plan', '=', filter.plan);
  if (filter.status !== undefined) query = query.where('status', 'in', filter.status);
  if (filter.since !== undefined) query = query.where('started', '>=', filter.since);
  if (filter.parentRun !== undefined) query = query.where('parent_run', '=', filter.parentRun);
  if (filter.limit !== undefined) query = query.limit(filter.limit);
  return state.all(query).map(toRecord);
}

/** How many runs there are of each status. */
export const countRuns = (state: State): Map<string, number> =>
  new Map(
    state
      .all(
        state.query
          .selectFrom('runs')
          .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
          .groupBy('status'),
      )
      .map(({ status, count }) => [status, count]),
  );

/** How many runs go on, by status. */
export const countOpenRuns = (state: State): Map<string, number> =>
  new Map(
    state
      .all(
        state.query
          .selectFrom('runs')
          .select(({ fn }) => ['status', fn.countAll<number>().as('count')])
          .where('finished', 'is', null)
          .groupBy('status'),
      )
      .map(({ status, count }) => [status, count]),
  );

export function findRun(state: State, id: string): RunRecord | undefined {
  const row = state.first(state.query.selectFrom('runs').selectAll().where('id', '=', id));
  return row && toRecord(row);
}

/** Names of the VMs that there were runs for. */
export const listVmNames = (state: State): string[] =>
  state.all(state.query.selectFrom('runs').select('vm').distinct().orderBy('vm')).map(({ vm }) => vm);

/** The steps of a run that have begun, in their order. */
export const listSteps = (state: State, runId: string): StepRecord[] =>
  state.all(state.query.selectFrom('steps').selectAll().where('run_id', '=', runId).orderBy('number')).map((row) => ({
    id: row.step_id,
    uses: row.uses,
    state: row.state,
    attempt: row.attempt,
    claim: JSON.parse(row.claim) as unknown,
    output: parsed(row.output),
    error: parsed(row.error) as ErrorOutput | null,
    undoError: parsed(row.undo_error) as ErrorOutput | null,
    started: row.started,
    updated: row.updated,
  }));

const parsed = (text: string | null): unknown => (text === null ? null : (JSON.parse(text) as unknown));

export const toRecord = (row: RunsTable): RunRecord => ({
  id: row.id,
  plan: row.plan,
  kind: row.kind,
  vm: row.vm,
  planFile: row.plan_file,
  planFolder: row.plan_folder,
  status: row.status,
  unclean: row.unclean === 1,
  published: row.published === 1,
  exitCode: row.exit_code,
  result: parsed(row.result) as RunRecord['result'],
  error: parsed(row.error) as ErrorOutput | null,
  warnings: JSON.parse(row.warnings) as string[],
  owner: { pid: row.owner_pid, start_time: row.owner_start_time, boot_id: row.owner_boot_id },
  ownerPlace: row.owner_place,
  started: row.started,
  finished: row.finished,
  trigger: row.trigger,
  slot: row.slot,
  parentRun: row.parent_run,
  node: row.node,
  repository: row.repository,
  askedBy: row.asked_by,
  stoppedBy: row.stopped_by,
});

/** Writes down who asked for a run, or asked it to stop: the first of those. @param who user or token of the hub's API */
/** Who has asked for the end of a run; null: nobody. */
export const stoppedBy = (state: State, runId: string): string | null =>
  state.first(state.query.selectFrom('runs').select('stopped_by').where('id', '=', runId))?.stopped_by ?? null;

export const noteAsker = (state: State, runId: string, what: 'asked_by' | 'stopped_by', who: string): void =>
  void state.run(
    state.query
      .updateTable('runs')
      .set({ [what]: who })
      .where('id', '=', runId)
      .where(what, 'is', null),
  );
