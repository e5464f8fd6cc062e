import { sql } from 'kysely';
import type { State } from '../database/open-state.ts';

export interface PointFilter {
  readonly repository?: string | undefined;
  /** Name of the VM. */
  readonly vm?: string | undefined;
  /** A backup id. */
  readonly point?: string | undefined;
  /** Only these. */
  readonly these?: readonly PointPlace[] | undefined;
}

interface PointPlace {
  readonly repository: string;
  readonly context: string;
  readonly backup_id: string;
}

/** Queries of restore points and of their disks, to which the columns have to be added. */
export function pointQueries(state: State, { repository, vm, point, these }: PointFilter) {
  let points = state.query
    .selectFrom('backups')
    .innerJoin('vm_contexts', (join) =>
      join
        .onRef('vm_contexts.repository', '=', 'backups.repository')
        .onRef('vm_contexts.context', '=', 'backups.context'),
    );
  // In the order of the primary key, which costs no sorting: the disks of one point, and the points of one VM, stand together.
  let disks = state.query
    .selectFrom('backup_disks')
    .orderBy('repository')
    .orderBy('context')
    .orderBy('backup_id')
    .orderBy('number');
  if (repository !== undefined) {
    points = points.where('backups.repository', '=', repository);
    disks = disks.where('repository', '=', repository);
  }
  if (vm !== undefined) {
    points = points.where('vm_contexts.vm_name', '=', vm);
    const own = state.query.selectFrom('vm_contexts').select(['repository', 'context']).where('vm_name', '=', vm);
    disks = disks.where(({ eb, refTuple }) =>
      eb(refTuple('repository', 'context'), 'in', own.$asTuple('repository', 'context')),
    );
  }
  if (point !== undefined) {
    // Asked of each VM in turn, by the primary key: there are many more points than VMs.
    const every = sql`(SELECT repository, context FROM vm_contexts)`;
    points = points.where('backups.backup_id', '=', point);
    points = points.where(sql<boolean>`(backups.repository, backups.context) IN ${every}`);
    disks = disks.where('backup_id', '=', point).where(sql<boolean>`(repository, context) IN ${every}`);
  }
  if (these !== undefined) {
    const wanted = JSON.stringify(these.map((one) => [one.repository, one.context, one.backup_id]));
    const named = sql`(SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(${wanted}))`;
    points = points.where(sql<boolean>`(backups.repository, backups.context, backups.backup_id) IN ${named}`);
    disks = disks.where(sql<boolean>`(repository, context, backup_id) IN ${named}`);
  }
  return { points, disks };
}

interface Aged {
  readonly sequence: number;
  readonly backup_id: string;
}

/** In the order in which they were made, VM by VM. */
export const byAge = (a: Aged, b: Aged): number =>
  a.sequence - b.sequence || (a.backup_id < b.backup_id ? -1 : a.backup_id > b.backup_id ? 1 : 0);
