import { isRunning } from '../host/process-identity.ts';
import type { StatusOutput } from '../schemas/types.ts';
import { listLocks } from '../state/locks.ts';
import type { State } from '../state/open-state.ts';
import { listLeases } from '../state/port-leases.ts';
import { listRuns, type RunRecord } from '../state/runs.ts';

const shownRuns = 20;

/** What goes on and what went on lately, newest first. */
export function describeStatus(state: State): StatusOutput {
  const runs = listRuns(state, { limit: shownRuns });
  const open = listRuns(state, { open: true }).filter((run) => !runs.some((other) => other.id === run.id));
  return {
    version: 1,
    runs: [...open, ...runs].map(runOutput),
    leases: listLeases(state).map(({ port, run_id }) => ({ port, run_id })),
    locks: listLocks(state, isRunning).map((lock) => ({
      name: lock.name,
      run_id: lock.runId,
      owner_alive: lock.alive,
    })),
  };
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
