import type { State } from '../database/open-state.ts';
import type { RunsTable } from '../database/tables.ts';
import { toRecord, type RunRecord } from './runs.ts';

export interface RunPageFilter {
  readonly plan?: string | undefined;
  readonly vm?: string | undefined;
  readonly kind?: string | undefined;
  /** Any of these. */
  readonly status?: readonly RunsTable['status'][] | undefined;
  /** Only runs of these VMs. */
  readonly vms?: readonly string[] | undefined;
  /** Begun then or later, milliseconds since the epoch. */
  readonly since?: number | undefined;
  /** Begun before that, milliseconds since the epoch. */
  readonly before?: number | undefined;
  /** Older than this one. */
  readonly after: readonly [started: number, id: string] | null;
  readonly limit: number;
}

/** Some runs, newest first. */
export function runPage(state: State, filter: RunPageFilter): RunRecord[] {
  const { plan, vm, kind, status, vms, since, before, after, limit } = filter;
  let query = state.query.selectFrom('runs').selectAll().orderBy('started', 'desc').orderBy('id', 'desc').limit(limit);
  if (plan !== undefined) query = query.where('plan', '=', plan);
  if (vm !== undefined) query = query.where('vm', '=', vm);
  if (kind !== undefined) query = query.where('kind', '=', kind);
  if (status !== undefined) query = query.where('status', 'in', status);
  if (vms !== undefined) query = query.where('vm', 'in', [...vms, '']);
  if (since !== undefined) query = query.where('started', '>=', since);
  if (before !== undefined) query = query.where('started', '<', before);
  if (after)
    query = query.where(({ eb, refTuple, tuple }) => eb(refTuple('started', 'id'), '<', tuple(after[0], after[1])));
  return state.all(query).map(toRecord);
}

/** Another text than before, once a run or one of its steps has changed. */
export function runMark(state: State, id: string): string {
  const run = state.first(state.query.selectFrom('runs').select(['status', 'unclean']).where('id', '=', id));
  const steps = state.first(
    state.query
      .selectFrom('steps')
      .select(({ fn }) => [fn.countAll<number>().as('count'), fn.max('updated').as('updated')])
      .where('run_id', '=', id),
  );
  return JSON.stringify([run, steps]);
}
