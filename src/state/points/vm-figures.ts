import { sql } from 'kysely';
import type { State } from '../database/open-state.ts';
import type { BackupsTable } from '../database/tables.ts';

/** What a repository has of a VM. */
export interface VmFigures {
  readonly repository: string;
  readonly vm: string;
  readonly points: number;
  readonly oldest: number;
  /** Size of the files of all its restore points. */
  readonly file_bytes: number;
  /** The newest backup; what `boot keep` made counts only where there is nothing else. */
  readonly newest_id: string;
  readonly newest_kind: BackupsTable['kind'];
  readonly newest_created: number;
  /** When the backup began that made the newest one. */
  readonly newest_started: number;
  /** Restore points with a mark that says so. */
  readonly broken: number;
  /** When the last of them was found, milliseconds since the epoch; null: there is none. */
  readonly broken_since: number | null;
  /** Those whose protection has run out do not count. */
  readonly protected: number;
  /** When a restore point was last verified, whatever it found; null: never. */
  readonly verified: number | null;
}

/** Every VM with restore points, by repository. */
export const vmFigures = (state: State, vm?: string, now = Date.now()): VmFigures[] =>
  state.all<VmFigures>({
    compile: () =>
      sql<never>`
        SELECT c.repository, c.vm_name AS vm, own.points, own.oldest,
          coalesce((SELECT sum(file_bytes) FROM backup_disks d
            WHERE d.repository = c.repository AND d.context = c.context), 0) AS file_bytes,
          last.backup_id AS newest_id, last.kind AS newest_kind, last.created AS newest_created,
          last.started AS newest_started,
          (SELECT count(*) FROM point_marks m WHERE m.repository = c.repository AND m.context = c.context
            AND m.broken IS NOT NULL) AS broken,
          (SELECT max(m.broken ->> 'since') FROM point_marks m WHERE m.repository = c.repository
            AND m.context = c.context AND m.broken IS NOT NULL) AS broken_since,
          (SELECT count(*) FROM point_marks m WHERE m.repository = c.repository AND m.context = c.context
            AND m.protected IS NOT NULL AND coalesce(m.protected ->> 'until', ${now} + 1) > ${now}) AS protected,
          (SELECT max(finished) FROM verifications v
            WHERE v.repository = c.repository AND v.context = c.context) AS verified
        FROM vm_contexts c
        JOIN (SELECT repository, context, count(*) AS points, min(created) AS oldest FROM backups
          GROUP BY repository, context) own USING (repository, context)
        JOIN backups last ON last.repository = c.repository AND last.context = c.context AND last.backup_id = coalesce(
          (SELECT backup_id FROM backups n WHERE n.repository = c.repository AND n.context = c.context
            AND n.kept IS NULL ORDER BY sequence DESC, backup_id DESC LIMIT 1),
          (SELECT backup_id FROM backups n WHERE n.repository = c.repository AND n.context = c.context
            ORDER BY sequence DESC, backup_id DESC LIMIT 1))
        WHERE ${vm === undefined ? sql`1` : sql`c.vm_name = ${vm}`}
        ORDER BY c.vm_name, c.repository`.compile(state.query),
  });

/** When the newest backup of a VM in a repository began whose whole chain is sound as far as anybody has found out; null: there is none. */
export function newestSound(state: State, { repository, vm }: Pick<VmFigures, 'repository' | 'vm'>): number | null {
  const rows = state.all<Linked>({
    compile: () =>
      sql<never>`
        SELECT b.backup_id AS id, b.parent, b.started, b.kept IS NOT NULL AS kept, m.broken IS NOT NULL AS broken
        FROM vm_contexts c JOIN backups b USING (repository, context)
        LEFT JOIN point_marks m USING (repository, context, backup_id)
        WHERE c.repository = ${repository} AND c.vm_name = ${vm} ORDER BY b.sequence, b.backup_id`.compile(state.query),
  });
  const sound = new Set<string>();
  let newest: number | null = null;
  for (const { id, parent, started, kept, broken } of rows) {
    if (broken === 1 || (parent !== null && !sound.has(parent))) continue;
    sound.add(id);
    if (kept === 0) newest = Math.max(newest ?? 0, started);
  }
  return newest;
}

interface Linked {
  readonly id: string;
  readonly parent: string | null;
  readonly started: number;
  readonly kept: number;
  readonly broken: number;
}

/** Names of all VMs with restore points. */
export const vmNamesOfPoints = (state: State): string[] =>
  state
    .all(state.query.selectFrom('vm_contexts').select('vm_name').distinct().orderBy('vm_name'))
    .map(({ vm_name: name }) => name);
