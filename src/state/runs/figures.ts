import { sql } from 'kysely';
import type { State } from '../database/open-state.ts';

/** The last run of a plan and VM that ended, and the last that succeeded. Times in milliseconds since the epoch. */
export interface LastRun {
  readonly plan: string;
  readonly vm: string;
  readonly kind: string;
  readonly status: string;
  readonly exitCode: number | null;
  readonly started: number;
  readonly finished: number;
  readonly warnings: number;
  /** What the changes cover, holes included. */
  readonly bytes: number;
  /** Null where the run does not say. */
  readonly read: number | null;
  readonly sent: number | null;
  readonly stored: number | null;
  readonly lastSuccess: number | null;
}

/** Those that ended at `since` or later, the newest first. Restores are nobody's protection, and commands no plans. */
export function lastRuns(state: State, since: number): LastRun[] {
  const rows = state.all(
    state.query
      .with('ends', lastEnds)
      .with('last', (query) =>
        query
          .selectFrom('ends')
          .select(({ fn }) => [
            'plan',
            'vm',
            'kind',
            fn.max('ended').as('ended'),
            sql<number | null>`max(ended) FILTER (WHERE status = 'succeeded')`.as('succeeded'),
          ])
          .where('ended', 'is not', null)
          .groupBy(['plan', 'vm', 'kind']),
      )
      .selectFrom('last')
      .innerJoin('runs', (join) =>
        join
          .onRef('runs.plan', '=', 'last.plan')
          .onRef('runs.vm', '=', 'last.vm')
          .onRef('runs.kind', '=', 'last.kind')
          .onRef('runs.finished', '=', 'last.ended')
          .on('runs.trigger', '<>', 'command'),
      )
      .select([
        'runs.plan',
        'runs.vm',
        'runs.kind',
        'runs.status',
        'runs.exit_code',
        'runs.started',
        'last.ended',
        'last.succeeded',
        sql<number>`json_array_length(runs.warnings)`.as('warnings'),
        total('bytes_transferred').as('bytes'),
        total('bytes_read').as('read'),
        total('bytes_sent').as('sent'),
        total('bytes_stored').as('stored'),
      ])
      .where('last.ended', '>=', since)
      .$narrowType<{ ended: number }>()
      .orderBy('last.ended', 'desc')
      .orderBy('runs.started', 'desc'),
  );
  // Two that ended within one millisecond: one is enough.
  const found = new Map<string, LastRun>();
  for (const { ended, exit_code: exitCode, succeeded: lastSuccess, bytes, ...row } of rows) {
    const key = `${row.plan}\n${row.vm}\n${row.kind}`;
    if (!found.has(key)) found.set(key, { ...row, exitCode, finished: ended, lastSuccess, bytes: bytes ?? 0 });
  }
  return [...found.values()];
}

/** By what is in an index: to read twenty thousand runs takes five times as long. */
const lastEnds = (query: Pick<State['query'], 'selectFrom'>) =>
  query
    .selectFrom((from) =>
      from
        .selectFrom('runs')
        .select(['plan', 'vm', 'kind', 'status'])
        .where('kind', '<>', 'restore')
        .distinct()
        .as('each'),
    )
    .select((each) => [
      'each.plan',
      'each.vm',
      'each.kind',
      'each.status',
      each
        .selectFrom('runs')
        .select('finished')
        .whereRef('runs.plan', '=', 'each.plan')
        .whereRef('runs.vm', '=', 'each.vm')
        .whereRef('runs.kind', '=', 'each.kind')
        .whereRef('runs.status', '=', 'each.status')
        .where('finished', 'is not', null)
        .where('trigger', '<>', 'command')
        .orderBy('finished', 'desc')
        .limit(1)
        .as('ended'),
    ]);

/** What a run moved is in its result, disk by disk; null where the disks do not say. */
const total = (field: 'bytes_transferred' | 'bytes_read' | 'bytes_sent' | 'bytes_stored') =>
  sql<number | null>`(SELECT sum(value ->> ${field}) FROM json_each(runs.result, '$.disks'))`;

export interface VmFigures {
  readonly repository: string;
  /** Folder of the VM in the repository. */
  readonly context: string;
  readonly vm: string;
  readonly points: number;
  readonly newest: number;
  readonly storedBytes: number;
  /** Files in the chain of the newest restore point. */
  readonly chainLength: number;
  readonly protected: number;
  readonly broken: number;
  readonly unverified: number;
  readonly lastVerified: number | null;
}

/** Every VM that has restore points. */
export const vmFigures = (state: State, now: number): VmFigures[] =>
  state.reading(() => {
    const { query } = state;
    const keyed = <R extends { repository: string; context: string }>(rows: readonly R[]): Map<string, R> =>
      new Map(rows.map((row) => [`${row.repository}\n${row.context}`, row]));
    const points = state.all(
      query
        .selectFrom('backups')
        .innerJoin('vm_contexts', (join) =>
          join
            .onRef('vm_contexts.repository', '=', 'backups.repository')
            .onRef('vm_contexts.context', '=', 'backups.context'),
        )
        .select(({ fn }) => [
          'backups.repository',
          'backups.context',
          'vm_contexts.vm_name as vm',
          fn.countAll<number>().as('points'),
          'backups.created as newest',
          'backups.backup_id as id',
          // SQLite takes the other columns from the row with the greatest.
          // What `boot keep` made is no backup.
          sql<number>`max(iif(backups.kept IS NULL, backups.sequence, -1))`.as('sequence'),
        ])
        .groupBy(['backups.repository', 'backups.context']),
    );
    const stored = keyed(
      state.all(
        query
          .selectFrom('backup_disks')
          .select(({ fn }) => ['repository', 'context', fn.sum<number>('file_bytes').as('bytes')])
          .groupBy(['repository', 'context']),
      ),
    );
    const marks = keyed(
      state.all(
        query
          .selectFrom('point_marks')
          .select([
            'repository',
            'context',
            sql<number>`count(broken)`.as('broken'),
            sql<number>`count(*) FILTER (WHERE protected IS NOT NULL AND coalesce(protected ->> 'until', ${now} + 1) > ${now})`.as(
              'protected',
            ),
          ])
          .groupBy(['repository', 'context']),
      ),
    );
    const verified = keyed(
      state.all(
        query
          .selectFrom('verifications')
          .select([
            'repository',
            'context',
            sql<number>`count(DISTINCT backup_id)`.as('points'),
            sql<number>`max(finished)`.as('last'),
          ])
          .where('ok', '=', 1)
          .groupBy(['repository', 'context']),
      ),
    );
    const lengths = chainLengths(state, points);
    return points.map(({ repository, context, vm, points: count, newest }) => {
      const key = `${repository}\n${context}`;
      return {
        repository,
        context,
        vm,
        points: count,
        newest,
        storedBytes: stored.get(key)?.bytes ?? 0,
        chainLength: lengths.get(key) ?? 0,
        protected: marks.get(key)?.protected ?? 0,
        broken: marks.get(key)?.broken ?? 0,
        unverified: count - (verified.get(key)?.points ?? 0),
        lastVerified: verified.get(key)?.last ?? null,
      };
    });
  });

interface ChainRow {
  readonly repository: string;
  readonly context: string;
  readonly length: number;
}

/** Of the newest restore point of each VM: its longest disk. */
function chainLengths(
  state: State,
  newest: readonly { readonly repository: string; readonly context: string; readonly id: string }[],
): Map<string, number> {
  const given = JSON.stringify(newest.map(({ repository, context, id }) => [repository, context, id]));
  const rows = state.all<ChainRow>({
    compile: () =>
      sql<ChainRow>`
        WITH RECURSIVE chain (repository, context, number, parent, length) AS (
          SELECT disk.repository, disk.context, disk.number, disk.parent, 1
          FROM json_each(${given}) AS newest
          JOIN backup_disks AS disk
            ON disk.repository = newest.value ->> 0 AND disk.context = newest.value ->> 1 AND disk.backup_id = newest.value ->> 2
          UNION ALL
          SELECT below.repository, below.context, below.number, below.parent, chain.length + 1
          FROM chain JOIN backup_disks AS below
            ON below.repository = chain.repository AND below.context = chain.context
            AND below.backup_id = chain.parent AND below.number = chain.number
          WHERE chain.length < 10000
        )
        SELECT repository, context, max(length) AS length FROM chain GROUP BY repository, context`.compile(state.query),
  });
  return new Map(rows.map(({ repository, context, length }) => [`${repository}\n${context}`, length]));
}
