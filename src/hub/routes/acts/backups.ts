import { setTimeout as delay } from 'node:timers/promises';
import type { Call } from '../../../api/route.ts';
import { SendenseError } from '../../../errors/sendense-error.ts';
import { isBackupKind } from '../../../plan/backup-kinds.ts';
import type { BackupProgressOutput, HubBackupRequest, ChangeIdsOutput } from '../../../schemas/types.ts';
import type { StartablePlan } from '../../acts/acts.ts';
import { defineRoute, type HubParts } from '../route.ts';
import { assertMayRun, beginOnce, beginRun, repeatHeader, startErrors, runOf } from './begin.ts';

/** For how long an answer waits until the disks are served, ms. A large VM takes longer; then the answer says what is known. */
const servedWithinMs = 30_000;
const lookMs = 50;

export const startBackup = defineRoute<HubBackupRequest>({
  id: 'startBackup',
  method: 'POST',
  path: '/api/v1/backups',
  tag: 'backups',
  summary: 'Back up a VM now',
  description:
    'Runs the plan that backs the VM up. The answer comes when the disks are served, or the run has ended, or after 30 seconds; `POST /api/v1/backups/{id}/complete` tells how it goes on.',
  right: 'operate',
  vms: 'heeded',
  headers: repeatHeader,
  body: { schema: 'hub/backup-start.json', bytes: 4096 },
  answers: { 202: { description: 'The backup has begun.', schema: 'hub/backup-progress.json' } },
  errors: [...startErrors, 'access.right'],
  patient: true,
  logOf: ({ vm_name: vm }) => ({ vm }),
  handle: async (call) =>
    await beginOnce(call, 'startBackup', async () => {
      const plan = planOf(call);
      return await beginRun(call, runOf(plan, call.body.backup_type), ({ run_id: id }) => whenServed(call, id));
    }),
});

/** The plan that backs the VM up. @throws SendenseError `plan.unknown`, `access.right`, `request.invalid` */
function planOf(call: Call<HubParts, HubBackupRequest>): StartablePlan {
  const { vm_name: vm, repository_id: repository, policy_id: policy } = call.body;
  const { acts } = call.parts.hub;
  if (!call.caller.mayVm(vm))
    throw new SendenseError('plan.unknown', `no plan that the hub knows backs up ${vm}`, {
      details: { field: 'vm_name' },
    });
  const plan = policy === undefined ? acts.planOfVm(vm, repository) : acts.plan(policy);
  assertMayRun(call, plan);
  assertBacksUp(plan, call.body);
  return plan;
}

function assertBacksUp({ plan, kind, vm, repository }: StartablePlan, asked: HubBackupRequest): void {
  const wrong =
    vm !== asked.vm_name || !isBackupKind(kind)
      ? `plan ${plan} does not back up ${asked.vm_name}`
      : asked.repository_id !== undefined && repository !== asked.repository_id
        ? `plan ${plan} writes to repository ${repository}, not to ${asked.repository_id}`
        : null;
  if (wrong !== null) throw new SendenseError('request.invalid', wrong, { details: { field: 'policy_id' } });
}

async function whenServed(
  { parts, signal }: Pick<Call<HubParts>, 'parts' | 'signal'>,
  runId: string,
): Promise<BackupProgressOutput> {
  const { acts } = parts.hub;
  const until = Date.now() + servedWithinMs;
  for (;;) {
    const progress = acts.progress(runId);
    if (!progress) throw new SendenseError('run.unknown', `run ${runId} has begun, and is not known any more`);
    if (progress.status !== 'running' || progress.nbd_targets_string !== null) return progress;
    if (Date.now() > until || signal.aborted) return progress;
    await delay(lookMs);
  }
}

export const completeBackup = defineRoute({
  id: 'completeBackup',
  method: 'POST',
  path: '/api/v1/backups/{id}/complete',
  tag: 'backups',
  summary: 'Whether a backup is complete, and what it transferred',
  description:
    'Changes nothing: a run flushes, checks and commits by itself, and its change ids count from then on. `status` is `complete` when that is done.',
  right: 'look',
  vms: 'heeded',
  changes: false,
  params: { id: { description: '`backup_id` or `run_id` of the answer to `startBackup`.', logAs: 'backup_id' } },
  answers: { 200: { description: 'How far it has come.', schema: 'hub/backup-progress.json' } },
  errors: ['point.unknown'],
  async handle({ parts, params, caller }): Promise<BackupProgressOutput> {
    const id = params['id'] ?? '';
    const { acts } = parts.hub;
    const progress = acts.progress(acts.runOfBackup(id) ?? id);
    if (progress && caller.mayVm(progress.vm_name)) return progress;
    throw new SendenseError('point.unknown', `no run is known that makes a restore point ${id}`);
  },
});

export const changeIds = defineRoute({
  id: 'changeIds',
  method: 'GET',
  path: '/api/v1/backups/changeid',
  tag: 'backups',
  summary: 'The change ids of the newest restore point of a VM',
  right: 'look',
  vms: 'heeded',
  query: {
    vm_name: { description: 'Name of the VM.', required: true },
    repository: { description: 'Only this repository.' },
  },
  answers: { 200: { description: 'By disk.', schema: 'hub/change-ids.json' } },
  errors: ['point.unknown'],
  async handle({ parts, query, caller }): Promise<ChangeIdsOutput> {
    const vm = query['vm_name'] ?? '';
    const found = caller.mayVm(vm) ? parts.hub.acts.changeIds(vm, query['repository']) : undefined;
    if (found) return found;
    throw new SendenseError('point.unknown', `${vm} has no restore point`, { details: { field: 'vm_name' } });
  },
});
