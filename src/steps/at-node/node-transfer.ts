import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { exists } from '../../host/files/files.ts';
import { readPsk } from '../../host/nbd/psk-file.ts';
import { manifestOfVmConfig, vmConfigPath } from '../../repository/layout.ts';
import type {
  BackupStartRequest,
  LeftBehind,
  NodeTransferInput,
  NodeTransferOutput,
  NotProtected,
} from '../../schemas/types.ts';
import { kindOf } from '../../sources/index.ts';
import { assertSpaceLeft } from '../at-hub/space-for-run.ts';
import type { VmReference } from '../../sources/source-kind.ts';
import { pskFolderOf } from '../nbd/data-address.ts';
import { defineStep } from '../define-step.ts';
import { followJob } from './follow-job.ts';
import { jobLogFile, keepingLog, keepJobLog } from './keep-job-log.ts';
import { patienceOf, patientClient } from './patient-client.ts';
import { leftError, removeLeft, type AskedOfSource } from './left-at-source.ts';
import { removeJob } from './remove-job.ts';
import type { Services } from '../services.ts';
import { loginFor } from './source-login.ts';
import { sendIndexes, type SentIndexes } from './send-indexes.ts';
import { fetchIndexes, fetchVmConfig } from './transfer-files.ts';
import { watchServers } from './watch-servers.ts';
import { watchQuota, type WatchedRun } from './watch-quota.ts';
import { leaseSecondsOf, reconnectSecondsOf, tuningOf } from './transfer-limits.ts';

interface Claim {
  readonly node: string;
  readonly jobId: string;
  /** Where the VM's configuration goes, relative to the repository. */
  readonly vmConfig?: { readonly repository: string; readonly path: string } | null;
}

export const nodeTransfer = defineStep<NodeTransferInput, Claim, NodeTransferOutput>({
  uses: 'node.transfer',
  title: 'Copy the disks',
  claim: (input, facts) => ({
    node: input.node,
    jobId: `${facts.runId}-${facts.stepId}`,
    vmConfig:
      input.context !== undefined && input.backup_id !== undefined
        ? { repository: input.repository, path: vmConfigPath(input.context, input.backup_id) }
        : null,
  }),

  async plan({ services, runId }, input) {
    return {
      effects: [
        {
          action: 'send',
          target: `POST /api/v1/backup/start to node ${input.node}`,
          detail: `nbd_targets=${input.targets}`,
          argv: null,
        },
        ...kindOf(input.source).effects(input.source),
        ...input.disks.map((disk) => ({
          action: 'create' as const,
          target: join(services.repositoryPath(input.repository), disk.index_path),
          detail: `block index; ${disk.mode} (${disk.method}): ${disk.reason}`,
          argv: null,
        })),
      ],
      unknown: input.disks
        .filter((disk) => disk.estimated_bytes === null)
        .map((disk) => `how much of ${disk.disk} changed: found while it is read`),
      notes: [`job ${runId}`],
    };
  },

  /** What it would do to the VM is known before the ports and files are. */
  planPartly: async (_context, { source, node }) => ({
    effects: [
      {
        action: 'send',
        target: `POST /api/v1/backup/start to node ${node ?? 'local'}`,
        detail: 'all disks in one job',
        argv: null,
      },
      ...(source ? kindOf(source).effects(source) : []),
    ],
  }),

  async run(context, input, claim) {
    const { settings } = context.services;
    const reconnect = reconnectSecondsOf(input, settings, context.services.isEmbedded(claim.node));
    const client = patientClient(await context.services.node(claim.node), patienceOf(context, reconnect));
    const { path: root } = await context.services.openRepository(input.repository);
    const keys = await context.services.imageKeys(input.repository);
    const previous = await sendIndexes(client, root, input, keys, context.signal);
    const assertQuota = await watchQuota(context, watchedBy(input, claim));
    const served = await watchServers(
      context.runId,
      input.disks.map(({ disk }) => disk),
    );
    const followed = {
      disks: input.disks,
      served,
      whileRunning: async () => {
        await assertSpaceLeft(context.services, input.repository);
        await assertQuota();
      },
    };
    const login = await loginFor(context.services, input.source, context.signal);
    const psk = await readPsk(pskFolderOf(context.runId));
    const lease = context.services.isEmbedded(claim.node) ? null : leaseSecondsOf(reconnect);
    await using _path = await context.services.openDataPath(
      claim.node,
      portsIn(input.targets),
      context.signal,
      context.log,
    );
    if (kindOf(input.source).leaves) {
      const asked: AskedOfSource = { source: input.source, vmName: vmNameOf(input) };
      context.remember('asked', asked);
    }
    await client.startBackup(
      {
        ...requestOf(input, claim.jobId, previous),
        tuning: tuningOf(input, settings, reconnect),
        lease_seconds: lease,
        ...(psk === null ? {} : { nbd_psk: psk }),
        ...login,
      },
      context.signal,
    );
    const job = {
      client,
      jobId: claim.jobId,
      statePath: context.services.state.path,
      secrets: [...Object.values(login), psk ?? []].flat(),
    };
    const status = await keepingLog(job, context, () => followJob(context, client, claim.jobId, followed));
    const disks = await fetchIndexes(client, root, input, status, keys, context.signal);
    const vmConfig =
      status.vm_config && claim.vmConfig
        ? await fetchVmConfig(
            client,
            claim.jobId,
            root,
            claim.vmConfig.path,
            status.vm_config,
            keys.current,
            context.signal,
          )
        : null;
    // The last of it came after the last look.
    await assertQuota();
    context.remember('left', status.left_behind ?? []);
    await client.remove(claim.jobId, context.signal);
    const told = new Set((input.not_protected ?? []).map(labelOf));
    const notProtected = status.not_protected ?? input.not_protected ?? [];
    const found = notProtected.filter((disk) => !told.has(labelOf(disk)));
    for (const { label, reason } of found) context.warn(`${label} is NOT PROTECTED: ${reason}`);
    for (const remark of status.remarks ?? []) context.log(remark);
    for (const warning of status.warnings) context.warn(warning);
    return {
      job_id: claim.jobId,
      disks,
      warnings: status.warnings,
      snapshot: status.snapshot ?? null,
      not_protected: notProtected,
      vm_config: vmConfig,
    };
  },

  async undo({ services, signal, log, remembered }, claim) {
    const client = await services.node(claim.node).catch((error: unknown) => {
      if (isForGood(error)) return null;
      throw error;
    });
    if (!client) log(`node ${claim.node} is no longer a node of this hub: its job ${claim.jobId} ends by itself`);
    const { path: statePath } = services.state;
    // After a crash or a cancel at once nobody has looked at it yet.
    if (client && !(await exists(jobLogFile(statePath, claim.jobId))))
      await keepJobLog({ client, jobId: claim.jobId, statePath });
    const ended = client ? await removeJob(client, claim.jobId, { log, signal }) : null;
    if (ended && !ended.gone) {
      const doing = ended.activity === null ? '' : ` (${ended.activity})`;
      throw new SendenseError(
        'snapshot.left',
        `job ${claim.jobId} on node ${claim.node} is still removing its snapshot${doing}; \`sendense-run recover\` looks again`,
      );
    }
    await removeVmConfig(services, claim);
    // It has only just tried.
    if (ended?.left?.length) throw leftError(ended.left);
    const asked = remembered['asked'] as AskedOfSource | undefined;
    const left = ended?.left ?? (remembered['left'] as LeftBehind[] | undefined) ?? null;
    if (client && asked && left?.length !== 0) await removeLeft(services, client, claim.jobId, asked, left, signal);
  },
});

/** Unless the restore point is published: then it is part of it. */
async function removeVmConfig(services: Services, { vmConfig }: Claim): Promise<void> {
  if (!vmConfig) return;
  const file = join(await services.existingRepository(vmConfig.repository), vmConfig.path);
  await rm(`${file}.sendense-part`, { force: true });
  if (!(await exists(manifestOfVmConfig(file)))) await rm(file, { force: true });
}

/** Revoked, removed or not in the settings any more. Waiting for it would never end; its jobs do, since nobody renews their lease. */
const isForGood = (error: unknown): boolean =>
  error instanceof SendenseError && ['node.revoked', 'node.unknown'].includes(error.code);

const vmNameOf = (input: NodeTransferInput): string => (input.vm as unknown as VmReference).name;

function requestOf(input: NodeTransferInput, jobId: string, { format, previous }: SentIndexes): BackupStartRequest {
  const full = input.disks.every((disk) => disk.mode === 'full');
  return {
    job_id: jobId,
    vm_name: vmNameOf(input),
    nbd_targets: input.targets,
    backup_type: full ? 'full' : 'incremental',
    backup_id: input.backup_id ?? null,
    source: input.source,
    ...(input.facts ? { last_revert: input.facts.last_revert } : {}),
    disks: input.disks.map((disk) => ({
      key: disk.key,
      uuid: disk.uuid,
      mode: disk.mode,
      method: disk.method,
      previous_change_id: disk.parent?.change_id ?? null,
      previous_index: previous.get(disk.key)?.sha256 ?? null,
      ...(format > 1 ? { index: { format, parent: previous.get(disk.key)?.parent ?? null } } : {}),
    })),
  };
}

const watchedBy = ({ repository, disks }: NodeTransferInput, { vmConfig }: Claim): WatchedRun => ({
  repository,
  context: disks[0]?.path.split('/')[0] ?? '',
  files: [...disks.flatMap((disk) => [disk.path, disk.index_path]), ...(vmConfig ? [vmConfig.path] : [])],
});

/** What a disk is told by: an independent one that takes another's place is another one. */
const labelOf = ({ label, uuid }: NotProtected): string => `${uuid} ${label}`;

/** Ports of `key:nbd://host:port/export,…`. */
const portsIn = (targets: string): number[] =>
  [...targets.matchAll(/:nbds?:\/\/[^/,]*:([0-9]+)(?=\/|,|$)/g)].map(([, port]) => Number(port));
