import { sql } from 'kysely';
import type { State } from '../database/open-state.ts';

export interface AddedBytes {
  /** Days since 1970. */
  readonly day: number;
  readonly bytes: number;
  /** Restore points that were made that day. */
  readonly points: number;
}

/**
 * Bytes that restore points of a repository added, by day; without the first restore point of each VM, which is not growth that goes on.
 * @param from of the first day
 * @param offsetMs of the zone, to the east of UTC
 */
export const addedBytes = (state: State, repository: string, from: number, offsetMs: number): AddedBytes[] =>
  state.all<AddedBytes>({
    compile: () =>
      sql<never>`
        SELECT CAST((b.created + ${offsetMs}) / 86400000 AS INTEGER) AS day,
          sum((SELECT coalesce(sum(file_bytes + index_bytes), 0) FROM backup_disks d
            WHERE d.repository = b.repository AND d.context = b.context AND d.backup_id = b.backup_id)) AS bytes,
          count(*) AS points
        FROM backups b
        WHERE b.repository = ${repository} AND b.created >= ${from} AND EXISTS (
          SELECT 1 FROM backups earlier WHERE earlier.repository = b.repository AND earlier.context = b.context
            AND earlier.sequence < b.sequence)
        GROUP BY 1 ORDER BY 1`.compile(state.query),
  });

/** When the oldest restore point of a repository was made; null: it has none. */
export const oldestPoint = (state: State, repository: string): number | null =>
  state.first<{ created: number | null }>({
    compile: () =>
      sql<never>`SELECT min(created) AS created FROM backups WHERE repository = ${repository}`.compile(state.query),
  })?.created ?? null;
