import type { HistoryOutput } from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { dayOf, newestSummaries, type RunSummary } from '../../state/runs/run-summaries.ts';
import { listRuns, type RunRecord } from '../../state/runs/runs.ts';
import type { RunsTable } from '../../state/database/tables.ts';

export interface HistoryFilter {
  readonly plan?: string | undefined;
  readonly vm?: string | undefined;
  /** Any of these. */
  readonly status?: readonly RunsTable['status'][] | undefined;
  /** Begun then or later, milliseconds since the epoch. */
  readonly since?: number | undefined;
  readonly limit: number;
  /** What the runs of each day add up to, instead of the runs. */
  readonly daily?: boolean | undefined;
}

/** Runs that there were, newest first. */
export function describeHistory(state: State, { plan, vm, status, since, limit, daily }: HistoryFilter): HistoryOutput {
  const ofPlan = plan === undefined ? {} : { plan };
  if (daily) {
    const from = since === undefined ? {} : { since: dayOf(since) };
    const days = newestSummaries(state, { ...ofPlan, ...from }, limit + 1);
    return { version: 1, runs: [], more: days.length > limit, days: days.slice(0, limit).map(toDay) };
  }
  const runs = listRuns(state, {
    ...ofPlan,
    ...(vm === undefined ? {} : { vm }),
    ...(status === undefined ? {} : { status }),
    ...(since === undefined ? {} : { since }),
    limit: limit + 1,
  });
  return { version: 1, runs: runs.slice(0, limit).map(historyRun), more: runs.length > limit, days: null };
}

const toDay = ({ bytes, command, ...day }: RunSummary): NonNullable<HistoryOutput['days']>[number] => ({
  ...day,
  command: command === 1,
  bytes_transferred: bytes,
});

/** A run as `history` prints it. */
export const historyRun = (run: RunRecord): HistoryOutput['runs'][number] => ({
  run_id: run.id,
  plan: run.plan,
  kind: run.kind,
  vm: run.vm,
  trigger: run.trigger,
  slot: run.slot,
  parent_run: run.parentRun,
  node: run.node,
  repository: run.repository,
  status: run.status,
  exit_code: run.exitCode,
  started: run.started,
  finished: run.finished,
  duration_ms: run.finished === null ? null : Math.max(0, run.finished - run.started),
  bytes_transferred: transferred(run.result?.['disks']),
  bytes_read: told(run.result?.['disks'], 'bytes_read'),
  bytes_sent: told(run.result?.['disks'], 'bytes_sent'),
  bytes_stored: told(run.result?.['disks'], 'bytes_stored'),
  backup_id: typeof run.result?.['backup_id'] === 'string' ? run.result['backup_id'] : null,
  warnings: run.warnings.length,
  error: run.error,
});

const transferred = (disks: unknown): number =>
  Array.isArray(disks)
    ? disks.reduce<number>((sum, disk: { bytes_transferred?: unknown }) => sum + Number(disk.bytes_transferred ?? 0), 0)
    : 0;

/** Null where a disk does not say. */
function told(disks: unknown, field: 'bytes_read' | 'bytes_sent' | 'bytes_stored'): number | null {
  if (!Array.isArray(disks) || disks.length === 0) return null;
  const all = disks.map((disk: { readonly [name in typeof field]?: unknown }) => disk[field]);
  return all.every((bytes) => typeof bytes === 'number') ? all.reduce((sum, bytes) => sum + bytes, 0) : null;
}
