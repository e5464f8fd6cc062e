import type {
  BackupProgressOutput,
  ChainDecideOutput,
  NbdServeOutput,
  NodeTransferOutput,
} from '../../schemas/types.ts';
import type { State } from '../../state/database/open-state.ts';
import { askedStatus } from './asked-status.ts';
import { findRun, listRuns, listSteps, type StepRecord } from '../../state/runs/runs.ts';

/** How far a backup has come, from the journal of its run. */
export function backupProgress(state: State, runId: string): BackupProgressOutput | undefined {
  const run = findRun(state, runId);
  if (!run) return undefined;
  const steps = new Map(listSteps(state, runId).map((step) => [step.uses, step]));
  // What is published stays, though the run was cancelled after it.
  const outputOf = run.published ? anyOutputOf : ownOutputOf;
  const decided = outputOf<ChainDecideOutput>(steps.get('chain.decide'));
  const served = outputOf<NbdServeOutput>(steps.get('nbd.serve'));
  const transferred = outputOf<NodeTransferOutput>(steps.get('node.transfer'));
  const status = askedStatus(run);
  const isServed = served !== null && status === 'running' && steps.get('nbd.stop')?.state !== 'succeeded';
  return {
    version: 1,
    run_id: run.id,
    plan: run.plan,
    vm_name: run.vm,
    repository_id: decided?.repository ?? run.repository,
    backup_id: decided?.backup_id ?? null,
    backup_type: decided?.kind ?? null,
    status,
    disk_results: (decided?.disks ?? []).map(({ disk, mode, reason, path }) => {
      const sent = transferred?.disks.find((one) => one.disk === disk);
      const server = isServed ? served.servers.find((one) => one.disk === disk) : undefined;
      return {
        disk,
        mode: sent?.mode ?? mode,
        reason: sent?.reason ?? reason,
        path,
        port: server?.port ?? null,
        status: status === 'running' ? (sent ? 'transferred' : server ? 'served' : 'decided') : status,
        bytes_transferred: sent?.bytes_transferred ?? null,
        change_id: sent?.change_id ?? null,
      };
    }),
    nbd_targets_string: isServed ? served.targets : null,
    error: run.error,
  };
}

/** The run that made a restore point, or makes it. */
export function runOfBackup(state: State, backupId: string): string | undefined {
  const query = state.query.selectFrom('backups').select('run_id').where('backup_id', '=', backupId).limit(1);
  const made = state.first(query)?.run_id;
  if (made != null) return made;
  return listRuns(state, { open: true }).find(({ id }) =>
    listSteps(state, id).some(
      (step) => step.uses === 'chain.decide' && ownOutputOf<ChainDecideOutput>(step)?.backup_id === backupId,
    ),
  )?.id;
}

const anyOutputOf = <Output>(step: StepRecord | undefined): Output | null => (step?.output ?? null) as Output | null;

/** A step that was undone has left nothing. */
const ownOutputOf = <Output>(step: StepRecord | undefined): Output | null =>
  step?.state === 'succeeded' ? (step.output as Output) : null;
