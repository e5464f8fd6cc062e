import { statSync } from 'node:fs';
import { isRunning } from '../../host/programs/process-identity.ts';
import type { Settings, StatusOutput } from '../../schemas/types.ts';
import { failingChannels } from '../../state/notices/channels.ts';
import { countWaiting } from '../../state/notices/deliveries.ts';
import { rereadState } from '../../state/points/reread-state.ts';
import { unlistedRepositories } from '../../state/points/unlisted-repositories.ts';
import { stuckPrunes } from '../../state/points/stuck-prunes.ts';
import { listLocks } from '../../state/runs/locks.ts';
import { inFuture } from '../../state/database/in-future.ts';
import type { State } from '../../state/database/open-state.ts';
import { listLeases } from '../../state/runs/port-leases.ts';
import { listRuns, listSteps, type RunRecord } from '../../state/runs/runs.ts';
import { rereadWithinMs } from '../../restore-points/verify/reread.ts';
import { planHealth, type HealthFilter, type PlanHealth } from './plan-health.ts';
import { watchFolder } from '../watch-folder.ts';

const shownRuns = 20;

export interface StatusRequest {
  /** Only plans and runs of this VM. */
  readonly vm?: string | undefined;
  /** Only the plans of this folder, those that never ran too. */
  readonly plans?: string | undefined;
}

/** What goes on and what went on lately, newest first, and how it goes with the plans. */
export async function describeStatus(
  state: State,
  repositories: Settings['repositories'],
  request: StatusRequest = {},
): Promise<StatusOutput> {
  const of = request.vm === undefined ? {} : { vm: request.vm };
  const runs = listRuns(state, { limit: shownRuns, ...of });
  const open = listRuns(state, { open: true, ...of }).filter((run) => !runs.some((other) => other.id === run.id));
  const folder = request.plans === undefined ? undefined : await watchFolder(state, request.plans);
  const filter: HealthFilter = { vm: request.vm, plans: folder?.plans };
  const waiting = countWaiting(state);
  const now = Date.now();
  const stuck = stuckPrunes(state).filter(
    ({ repository, context }) =>
      Object.hasOwn(repositories, repository) && (request.vm === undefined || request.vm === context),
  );
  const unlisted = unlistedRepositories(state, repositories);
  return {
    version: 1,
    runs: [...open, ...runs].map((run) => ({ ...runOutput(run), ...leftBehind(state, run) })),
    leases: listLeases(state).map(({ port, run_id }) => ({ port, run_id })),
    locks: listLocks(state, isRunning).map((lock) => ({
      name: lock.name,
      run_id: lock.runId,
      owner_alive: lock.alive,
    })),
    plans: [...planHealth(state, now, filter).map(withFile), ...(folder?.invalid ?? [])],
    repositories: describeReading(state, repositories, now),
    ...(stuck.length === 0 ? {} : { stuck_prunes: stuck.map(({ context, ...one }) => ({ ...one, vm: context })) }),
    ...(unlisted.length === 0 ? {} : { unlisted: unlisted.map((one) => ({ ...one, vms: [...one.vms] })) }),
    channels: failingChannels(state).map(({ name, failing_since, failures, error }) => ({
      channel: name,
      failing_since: failing_since ?? 0,
      failures,
      error,
      waiting: waiting.get(name) ?? 0,
    })),
    in_future: inFuture(state, now).filter(
      (entry) =>
        (request.vm === undefined || entry.vm === null || entry.vm === request.vm) &&
        (folder === undefined || entry.plan === null || folder.plans.has(entry.plan)),
    ),
  };
}

/** How far each repository is with reading everything again; one without restore points has nothing to read. */
function describeReading(
  state: State,
  repositories: Settings['repositories'],
  now: number,
): StatusOutput['repositories'] {
  return Object.entries(repositories).flatMap(([repository, { rereadWithin }]) => {
    const withinMs = rereadWithinMs(rereadWithin);
    const { points, late, oldest } = rereadState(state, repository, { withinMs, now });
    return oldest === null
      ? []
      : [
          {
            repository,
            points,
            reread_within_ms: withinMs,
            oldest_read: oldest,
            oldest_age_ms: Math.max(0, now - oldest),
            late_points: late,
          },
        ];
  });
}

const leftBehind = (state: State, run: RunRecord): { left_behind?: string[] } =>
  run.unclean && run.finished !== null
    ? { left_behind: listSteps(state, run.id).flatMap(({ undoError }) => undoError?.message ?? []) }
    : {};

/** A plan that does not run, is not late and whose file is not there protects nothing from now on, however well it went. */
export const withFile = (plan: PlanHealth): PlanHealth =>
  ['ok', 'never', 'failing'].includes(plan.state) && isGone(plan.file) ? { ...plan, state: 'gone' } : plan;

/** A folder that this user may not look into is no proof. */
function isGone(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

export const runOutput = (run: RunRecord): StatusOutput['runs'][number] => ({
  run_id: run.id,
  plan: run.plan,
  vm: run.vm,
  kind: run.kind,
  status: run.status,
  started: run.started,
  finished: run.finished,
  exit_code: run.exitCode,
  backup_id: typeof run.result?.['backup_id'] === 'string' ? run.result['backup_id'] : null,
  error: run.error,
  owner_alive: run.finished === null && isRunning(run.owner),
});
