import { sql } from 'kysely';
import { backupKinds } from '../../plan/backup-kinds.ts';
import type { State } from '../database/open-state.ts';
import type { RunsTable } from '../database/tables.ts';

/** The last backup of a VM that has ended, whether a plan or a group began it. */
export interface LastRun {
  readonly vm: string;
  readonly id: string;
  readonly plan: string;
  readonly status: RunsTable['status'];
  readonly started: number;
  readonly finished: number;
  /** JSON, `schemas/output/error.json`. */
  readonly error: string | null;
}

const ofBackups = sql`kind IN (${sql.join(backupKinds.map((kind) => sql.lit(kind)))}) AND trigger <> 'command'`;

/** The last backups of these VMs. */
export const lastRuns = (state: State, vms: readonly string[]): LastRun[] =>
  state.all<LastRun>({
    compile: () =>
      sql<never>`
        SELECT r.vm, r.id, r.plan, r.status, r.started, r.finished, r.error
        FROM json_each(${JSON.stringify(vms)}) wanted
        JOIN runs r ON r.id = (
          SELECT id FROM runs WHERE vm = wanted.value AND finished IS NOT NULL AND ${ofBackups}
          ORDER BY started DESC LIMIT 1)`.compile(state.query),
  });

export interface DayOfVm {
  readonly vm: string;
  /** Days since 1970 in the zone that was asked for. */
  readonly day: number;
  readonly succeeded: number;
  readonly warned: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly running: number;
}

/**
 * How the backups of each day ended, by VM.
 * @param from of the first day
 * @param offsetMs of the zone, to the east of UTC
 */
export const daysOfVms = (state: State, from: number, offsetMs: number, vms: readonly string[]): DayOfVm[] =>
  state.all<DayOfVm>({
    compile: () =>
      sql<never>`
        SELECT vm, CAST((started + ${offsetMs}) / 86400000 AS INTEGER) AS day,
          sum(status = 'succeeded') AS succeeded, sum(status = 'succeeded' AND warnings <> '[]') AS warned,
          sum(status IN ('failed', 'crashed')) AS failed, sum(status = 'cancelled') AS cancelled,
          sum(finished IS NULL) AS running
        FROM runs WHERE started >= ${from} AND ${ofBackups}
          AND vm IN (SELECT value FROM json_each(${JSON.stringify(vms)}))
        GROUP BY 1, 2`.compile(state.query),
  });

/** Which VMs the last runs of groups were about: JSON of their results, by plan. */
export const lastGroupRuns = (state: State): { readonly plan: string; readonly result: string }[] =>
  state.all<{ plan: string; result: string }>({
    compile: () =>
      sql<never>`
        SELECT h.plan, r.result FROM plan_health h
        JOIN runs r ON r.id = (
          SELECT id FROM runs WHERE plan = h.plan AND kind = 'group' AND finished IS NOT NULL
            AND json_array_length(result, '$.runs') > 0
          ORDER BY started DESC LIMIT 1)
        WHERE h.kind = 'group' AND h.removed IS NULL`.compile(state.query),
  });
