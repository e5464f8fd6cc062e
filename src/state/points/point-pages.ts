import { sql } from 'kysely';
import type { State } from '../database/open-state.ts';

/** Which restore point, and where it stands in a list of them. */
export interface PlacedPoint {
  readonly repository: string;
  readonly context: string;
  readonly vm: string;
  readonly backup_id: string;
  readonly created: number;
}

export interface PointPageFilter {
  readonly vm?: string | undefined;
  /** Only of these VMs. */
  readonly vms?: readonly string[] | undefined;
  /** Only of these. */
  readonly repositories: readonly string[];
  /** Older than this one. */
  readonly after: readonly [created: number, backupId: string, repository: string, context: string] | null;
  readonly limit: number;
}

/** Some restore points of all VMs, newest first. */
export function pointPage(state: State, { vm, vms, repositories, after, limit }: PointPageFilter): PlacedPoint[] {
  let query = state.query
    .selectFrom('backups')
    .innerJoin('vm_contexts', (join) =>
      join
        .onRef('vm_contexts.repository', '=', 'backups.repository')
        .onRef('vm_contexts.context', '=', 'backups.context'),
    )
    .select([
      'backups.repository',
      'backups.context',
      'vm_contexts.vm_name as vm',
      'backups.backup_id',
      'backups.created',
    ])
    .where('backups.repository', 'in', [...repositories, ''])
    .orderBy('backups.created', 'desc')
    .orderBy('backups.backup_id', 'desc')
    .orderBy('backups.repository', 'desc')
    .orderBy('backups.context', 'desc')
    .limit(limit);
  if (vm !== undefined) query = query.where('vm_contexts.vm_name', '=', vm);
  if (vms !== undefined) query = query.where('vm_contexts.vm_name', 'in', [...vms, '']);
  if (after)
    query = query.where(({ eb, refTuple, tuple }) =>
      eb(
        refTuple('backups.created', 'backups.backup_id', 'backups.repository', 'backups.context'),
        '<',
        tuple(...after),
      ),
    );
  return state.all(query);
}

/** How many files the longest chain of each restore point's disks has, by {@link chainKey}. Follows parents, whatever VM they are of. */
export function chainLengthsOf(state: State, points: readonly PlacedPoint[]): Map<string, number> {
  const wanted = JSON.stringify(points.map((point) => [point.repository, point.context, point.backup_id]));
  const rows = state.all<{ repository: string; context: string; backup_id: string; length: number }>({
    compile: () =>
      sql<never>`
        WITH RECURSIVE wanted AS (
          SELECT value ->> 0 AS repository, value ->> 1 AS context, value ->> 2 AS backup_id FROM json_each(${wanted})
        ), up AS (
          SELECT d.repository, d.context, d.backup_id, d.number, d.parent, 1 AS length
          FROM wanted JOIN backup_disks d USING (repository, context, backup_id)
          UNION ALL
          SELECT up.repository, up.context, up.backup_id, up.number, d.parent, up.length + 1
          FROM up JOIN backup_disks d
            ON d.repository = up.repository AND d.context = up.context AND d.backup_id = up.parent AND d.number = up.number
          WHERE up.length < 100000
        )
        SELECT repository, context, backup_id, max(length) AS length FROM up GROUP BY 1, 2, 3`.compile(state.query),
  });
  return new Map(rows.map((row) => [chainKey(row), row.length]));
}

export const chainKey = (point: Pick<PlacedPoint, 'repository' | 'context' | 'backup_id'>): string =>
  `${point.repository}\n${point.context}\n${point.backup_id}`;
