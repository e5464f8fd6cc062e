import { sql } from 'kysely';
import type { State } from '../database/open-state.ts';

/** How far a repository is with reading everything again. */
export interface Reread {
  readonly points: number;
  /** Those whose files were not read for longer than the time that is allowed. */
  readonly late: number;
  /** When the one that was read longest ago was read, in milliseconds since the epoch; null: there is no restore point. */
  readonly oldest: number | null;
}

/**
 * What `lastReads` says, in figures. It asks for ten thousand restore points in a quarter of the time, for it walks through
 * both tables side by side.
 * @param withinMs null: never
 */
export function rereadState(
  state: State,
  repository: string,
  { withinMs, now }: { readonly withinMs: number | null; readonly now: number },
): Reread {
  const late = withinMs === null ? sql`0` : sql`coalesce(sum(read < ${now - withinMs}), 0)`;
  const [found] = state.all<Reread>({
    compile: () =>
      sql<Reread>`
        SELECT count(*) AS points, ${late} AS late, min(read) AS oldest FROM (
          SELECT max(read) AS read FROM (
            SELECT context, backup_id, CASE WHEN created <= ${now} THEN created ELSE 0 END AS read
            FROM backups WHERE repository = ${repository}
            UNION ALL
            SELECT context, backup_id, finished FROM verifications
            WHERE repository = ${repository} AND level IN ('digests', 'deep') AND finished <= ${now}
              AND (ok = 1 OR bytes_read > 0)
            ORDER BY 1, 2
          ) GROUP BY context, backup_id
        )`.compile(state.query),
  });
  return found ?? { points: 0, late: 0, oldest: null };
}
