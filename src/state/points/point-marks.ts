import type { PointMarks, VerificationOutput } from '../../schemas/types.ts';
import type { State } from '../database/open-state.ts';
import type { PointKey } from './restore-points.ts';

/** What `src/repository/marks.ts` reads. */
export type Marks = Omit<PointMarks, 'checksum'>;

export type VerifyLevel = VerificationOutput['level'];

/** How the last verification of a level ended. */
export interface Verification {
  readonly level: VerifyLevel;
  /** Milliseconds since the epoch. */
  readonly finished: number;
  readonly ok: boolean;
  readonly runId: string | null;
  readonly bytesRead: number;
  /** What was wrong, or a remark; null: nothing. */
  readonly detail: string | null;
}

export interface MarksFilter {
  readonly repository?: string;
  readonly context?: string;
}

/** The key of the maps below: unique within a repository. */
export const marksKey = (context: string, backupId: string): string => `${context}/${backupId}`;

/** Copies what the `.marks` file says; null, or no mark at all: forgets it. */
export function setMarks(state: State, { repository, context, backupId }: PointKey, marks: Marks | null): void {
  const broken = marks?.broken ? JSON.stringify(marks.broken) : null;
  const kept = marks?.protected ? JSON.stringify(marks.protected) : null;
  const adopted = marks?.adopted ? JSON.stringify(marks.adopted) : null;
  const used = marks?.used ? JSON.stringify(marks.used) : null;
  if (broken === null && kept === null && adopted === null && used === null) {
    state.run(
      state.query
        .deleteFrom('point_marks')
        .where('repository', '=', repository)
        .where('context', '=', context)
        .where('backup_id', '=', backupId),
    );
    return;
  }
  state.run(
    state.query
      .insertInto('point_marks')
      .values({ repository, context, backup_id: backupId, protected: kept, broken, adopted, used })
      .onConflict((conflict) =>
        conflict
          .columns(['repository', 'context', 'backup_id'])
          .doUpdateSet({ protected: kept, broken, adopted, used }),
      ),
  );
}

/** Marks by `context/backupId`; points without any are not in it. */
export function marksOf(state: State, filter: MarksFilter): Map<string, Marks> {
  let query = state.query.selectFrom('point_marks').selectAll();
  if (filter.repository !== undefined) query = query.where('repository', '=', filter.repository);
  if (filter.context !== undefined) query = query.where('context', '=', filter.context);
  return new Map(
    state.all(query).map((row) => [
      marksKey(row.context, row.backup_id),
      {
        format: 'sendense-point-marks/1',
        protected: row.protected === null ? null : (JSON.parse(row.protected) as Marks['protected']),
        broken: row.broken === null ? null : (JSON.parse(row.broken) as Marks['broken']),
        ...(row.adopted === null ? {} : { adopted: JSON.parse(row.adopted) as NonNullable<Marks['adopted']> }),
        ...(row.used === null ? {} : { used: JSON.parse(row.used) as NonNullable<Marks['used']> }),
      },
    ]),
  );
}

/** Takes the place of what the last verification of this level found. */
export function recordVerification(
  state: State,
  { repository, context, backupId }: PointKey,
  { level, finished, ok, runId, bytesRead, detail }: Verification,
): void {
  const found = { finished, ok: ok ? 1 : 0, run_id: runId, bytes_read: bytesRead, detail };
  state.run(
    state.query
      .insertInto('verifications')
      .values({ repository, context, backup_id: backupId, level, ...found })
      .onConflict((conflict) => conflict.columns(['repository', 'context', 'backup_id', 'level']).doUpdateSet(found)),
  );
}

/** The last verification of each level by `context/backupId`. */
export function verificationsOf(state: State, filter: MarksFilter): Map<string, Verification[]> {
  let query = state.query.selectFrom('verifications').selectAll().orderBy('level');
  if (filter.repository !== undefined) query = query.where('repository', '=', filter.repository);
  if (filter.context !== undefined) query = query.where('context', '=', filter.context);
  const found = new Map<string, Verification[]>();
  for (const row of state.all(query)) {
    const key = marksKey(row.context, row.backup_id);
    const list = found.get(key) ?? [];
    list.push({
      level: row.level as VerifyLevel,
      finished: row.finished,
      ok: row.ok === 1,
      runId: row.run_id,
      bytesRead: row.bytes_read,
      detail: row.detail,
    });
    found.set(key, list);
  }
  return found;
}
