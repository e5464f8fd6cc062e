import { sql } from 'kysely';
import type { State } from '../database/open-state.ts';
import type { RunSummariesTable } from '../database/tables.ts';

/** Runs that are forgotten in one transaction: others wait no longer than it takes. */
const runsAtOnce = 200;

export type RunSummary = Readonly<RunSummariesTable>;

export interface SummaryFilter {
  readonly plan?: string;
  /** `2026-11-21`: that day or later. */
  readonly since?: string;
}

/** What each day's runs of a plan add up to, those of commands by themselves, newest day first: those that are forgotten, and those that are not and have ended. */
export function dailySummaries(state: State, filter: SummaryFilter = {}): RunSummary[] {
  let forgotten = state.query.selectFrom('run_summaries').selectAll();
  let kept = summed(state).where('finished', 'is not', null);
  if (filter.plan !== undefined) {
    forgotten = forgotten.where('plan', '=', filter.plan);
    kept = kept.where('plan', '=', filter.plan);
  }
  if (filter.since !== undefined) {
    forgotten = forgotten.where('day', '>=', filter.since);
    kept = kept.where('finished', '>=', Date.parse(filter.since));
  }
  const byDay = new Map<string, RunSummary>();
  for (const row of state.reading(() => [...state.all(forgotten), ...state.all(kept)])) {
    const key = `${row.day}\n${row.plan}\n${row.kind}\n${row.command}`;
    const before = byDay.get(key);
    byDay.set(key, before ? added(before, row) : row);
  }
  return [...byDay.values()].sort(
    (a, b) => compare(b.day, a.day) || compare(a.plan, b.plan) || compare(a.kind, b.kind) || a.command - b.command,
  );
}

/** So many days back from the newest one are looked at, until there are enough lines. */
const reaches = [1, 8, 64] as const;

/** The newest days of {@link dailySummaries}: all lines of each day, and so many lines, if there are. It reads no runs of older days than it needs. */
export function newestSummaries(state: State, filter: SummaryFilter, lines: number): RunSummary[] {
  const newest = newestDay(state, filter.plan);
  if (newest !== null)
    for (const days of reaches) {
      const since = dayOf(Date.parse(newest) - (days - 1) * dayMs);
      if (filter.since !== undefined && since <= filter.since) break;
      const found = dailySummaries(state, { ...filter, since });
      if (found.length >= lines) return found;
    }
  return dailySummaries(state, filter);
}

const dayMs = 86_400_000;
/** `2026-11-21`, in UTC. */
export const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

function newestDay(state: State, plan: string | undefined): string | null {
  const ended = state.query.selectFrom('runs').select(({ fn }) => fn.max('finished').as('newest'));
  const forgotten = state.query.selectFrom('run_summaries').select(({ fn }) => fn.max('day').as('newest'));
  const run = state.first(plan === undefined ? ended : ended.where('plan', '=', plan))?.newest ?? null;
  const day = state.first(plan === undefined ? forgotten : forgotten.where('plan', '=', plan))?.newest ?? null;
  const days = [run === null ? null : dayOf(run), day].filter((one) => one !== null);
  return days.toSorted().at(-1) ?? null;
}

/**
 * Makes summaries of runs that ended before `before`, and forgets them with their steps. Runs that are open or unclean
 * stay, and so do the last success and the last failure of each plan, VM and kind. Returns how many are forgotten.
 */
export async function summariseRuns(state: State, before: number, signal?: AbortSignal): Promise<number> {
  let forgotten = 0;
  for (;;) {
    signal?.throwIfAborted();
    const count = state.transaction(() => summariseSome(state, before));
    forgotten += count;
    if (count < runsAtOnce) return forgotten;
    await new Promise(setImmediate);
  }
}

function summariseSome(state: State, before: number): number {
  const ids = state.all(forgettable(state, before)).map(({ id }) => id);
  if (ids.length === 0) return 0;
  for (const row of state.all(summed(state).where('id', 'in', ids))) {
    const table = state.query.insertInto('run_summaries').values(row);
    state.run(
      table.onConflict((conflict) =>
        conflict.doUpdateSet((is) => ({
          ...Object.fromEntries(
            counted.map((name) => [
              name,
              sql<number>`${is.ref(`run_summaries.${name}`)} + ${is.ref(`excluded.${name}`)}`,
            ]),
          ),
          longest_ms: sql<number>`max(${is.ref('run_summaries.longest_ms')}, ${is.ref('excluded.longest_ms')})`,
        })),
      ),
    );
  }
  state.run(state.query.deleteFrom('runs').where('id', 'in', ids));
  return ids.length;
}

const counted = ['succeeded', 'warned', 'failed', 'cancelled', 'crashed', 'bytes', 'duration_ms'] as const;

/** The oldest first, so that a day is done before the next. */
const forgettable = (state: State, before: number) =>
  state.query
    .selectFrom('runs')
    .select('id')
    .where('finished', '<', before)
    .where('unclean', '=', 0)
    .where(({ exists, not, or, selectFrom }) =>
      not(
        or([
          exists(selectFrom('locks').select('name').whereRef('locks.run_id', '=', 'runs.id')),
          exists(selectFrom('port_leases').select('port').whereRef('port_leases.run_id', '=', 'runs.id')),
          exists(selectFrom('point_uses').select('backup_id').whereRef('point_uses.run_id', '=', 'runs.id')),
        ]),
      ),
    )
    // A later one of the same outcome has taken its place.
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('runs as later')
          .select('later.id')
          .whereRef('later.plan', '=', 'runs.plan')
          .whereRef('later.vm', '=', 'runs.vm')
          .whereRef('later.kind', '=', 'runs.kind')
          .whereRef('later.finished', '>', 'runs.finished')
          .where(sql<boolean>`(later.status = 'succeeded') = (runs.status = 'succeeded')`)
          .where(sql<boolean>`(later.trigger = 'command') = (runs.trigger = 'command')`),
      ),
    )
    .orderBy('finished')
    .limit(runsAtOnce);

/** Runs by day, plan and kind, those of commands by themselves. What a run transferred is in its result, disk by disk. */
const summed = (state: State) =>
  state.query
    .selectFrom('runs')
    .select([
      'plan',
      'kind',
      sql<number>`trigger = 'command'`.as('command'),
      sql<string>`date(finished / 1000, 'unixepoch')`.as('day'),
      countOf(sql`status = 'succeeded'`).as('succeeded'),
      countOf(sql`status = 'succeeded' AND exit_code = 3`).as('warned'),
      countOf(sql`status = 'failed'`).as('failed'),
      countOf(sql`status = 'cancelled'`).as('cancelled'),
      countOf(sql`status = 'crashed'`).as('crashed'),
      sql<number>`coalesce(sum((SELECT sum(value ->> 'bytes_transferred') FROM json_each(runs.result, '$.disks'))), 0)`.as(
        'bytes',
      ),
      sql<number>`sum(max(0, finished - started))`.as('duration_ms'),
      sql<number>`max(max(0, finished - started))`.as('longest_ms'),
    ])
    .groupBy(['plan', 'kind', 'command', 'day']);

const countOf = (condition: ReturnType<typeof sql>) => sql<number>`count(*) FILTER (WHERE ${condition})`;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const added = (a: RunSummary, b: RunSummary): RunSummary => ({
  ...a,
  succeeded: a.succeeded + b.succeeded,
  warned: a.warned + b.warned,
  failed: a.failed + b.failed,
  cancelled: a.cancelled + b.cancelled,
  crashed: a.crashed + b.crashed,
  bytes: a.bytes + b.bytes,
  duration_ms: a.duration_ms + b.duration_ms,
  longest_ms: Math.max(a.longest_ms, b.longest_ms),
});
