import { sql } from 'kysely';
import type { State } from '../database/open-state.ts';
import { marksKey } from './point-marks.ts';

/** When every byte of the files of a restore point was read last, in milliseconds since the epoch. */
export interface LastRead {
  readonly repository: string;
  readonly context: string;
  readonly backupId: string;
  /** By a verification of their content, else by the commit, which proves what was written. */
  readonly read: number;
  /** The last verification of their content, whatever it could read; null: there was none. */
  readonly verified: number | null;
}

/** Of every restore point, or of those of one repository. A time in the future does not count: the clock was wrong then. */
export function lastReads(state: State, now: number, repository?: string): LastRead[] {
  let query = state.query
    .selectFrom('backups')
    .leftJoin('verifications', (join) =>
      join
        .onRef('verifications.repository', '=', 'backups.repository')
        .onRef('verifications.context', '=', 'backups.context')
        .onRef('verifications.backup_id', '=', 'backups.backup_id')
        .on('verifications.level', 'in', ['digests', 'deep'])
        .on('verifications.finished', '<=', now),
    )
    .select(({ fn }) => [
      'backups.repository',
      'backups.context',
      'backups.backup_id as backupId',
      'backups.created',
      fn.max('verifications.finished').as('verified'),
      sql<number | null>`max(verifications.finished) FILTER (WHERE ok = 1 OR bytes_read > 0)`.as('read'),
    ])
    .groupBy(['backups.repository', 'backups.context', 'backups.backup_id']);
  if (repository !== undefined) query = query.where('backups.repository', '=', repository);
  return state.all(query).map(({ created, read, ...row }) => ({
    ...row,
    read: Math.max(created <= now ? created : 0, read ?? 0),
  }));
}

/** By {@link marksKey}: unique within one repository. */
export const byPoint = (reads: readonly LastRead[]): Map<string, LastRead> =>
  new Map(reads.map((entry) => [marksKey(entry.context, entry.backupId), entry]));
