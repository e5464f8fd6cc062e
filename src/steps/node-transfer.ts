import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { catalogue, type ErrorCode } from '../errors/catalogue.ts';
import { SendenseError } from '../errors/sendense-error.ts';
import type { NodeClient } from '../host/node-client.ts';
import { vmConfigPath } from '../repository/layout.ts';
import type {
  BackupStartRequest,
  JobStatus,
  NodeTransferInput,
  NodeTransferOutput,
  SnapshotFacts,
  VsphereSourceSpec,
  Settings,
} from '../schemas/types.ts';
import type { StepContext, StepPreview } from '../engine/step.ts';
import { defineStep } from './define-step.ts';
import type { Services } from './services.ts';
import { loginFor } from './source-login.ts';
import type { VmReference } from './source-spec.ts';
import { fetchIndexes, fetchVmConfig, sendIndexes } from './transfer-files.ts';
import { tuningOf } from './transfer-limits.ts';

interface Claim {
  readonly node: string;
  readonly jobId: string;
  /** Where the VM's configuration goes, relative to the repository. */
  readonly vmConfig?: { readonly repository: string; readonly path: string } | null;
}

/** How long a node may be out of reach before the step gives up; the job on the node goes on meanwhile. */
const patienceMs = 60_000;

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
        ...(input.source.type === 'vsphere' ? snapshotEffects(input.source) : []),
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
      ...(source?.type === 'vsphere' ? snapshotEffects(source) : []),
    ],
  }),

  async run(context, input, claim) {
    const client = await context.services.node(claim.node);
    const { path: root } = await context.services.openRepository(input.repository);
    const previous = await sendIndexes(client, root, input, context.signal);
    const login = await loginFor(context.services, input.source, context.signal);
    await client.startBackup(
      { ...requestOf(input, claim.jobId, previous, context.services.settings), ...login },
      context.signal,
    );
    const status = await follow(context, client, claim.jobId, input);
    const disks = await fetchIndexes(client, root, input, status, context.signal);
    const vmConfig =
      status.vm_config && claim.vmConfig
        ? await fetchVmConfig(client, claim.jobId, root, claim.vmConfig.path, status.vm_config, context.signal)
        : null;
    await client.remove(claim.jobId, context.signal);
    for (const warning of status.warnings) context.warn(warning);
    return {
      job_id: claim.jobId,
      disks,
      warnings: status.warnings,
      snapshot: status.snapshot ?? null,
      vm_config: vmConfig,
    };
  },

  async undo({ services, signal }, claim) {
    const client = await services.node(claim.node);
    const gone = await client.remove(claim.jobId, signal);
    if (!gone)
      throw new SendenseError(
        'snapshot.left',
        `job ${claim.jobId} on node ${claim.node} is still removing its snapshot; \`sendense-run recover\` looks again`,
      );
    if (!claim.vmConfig) return;
    const file = join(await services.existingRepository(claim.vmConfig.repository), claim.vmConfig.path);
    await rm(file, { force: true });
    await rm(`${file}.sendense-part`, { force: true });
  },
});

const snapshotEffects = (source: VsphereSourceSpec): StepPreview['effects'] => [
  {
    action: 'change',
    target: source.path ?? source.moref ?? 'the VM',
    detail: [
      `one snapshot of all disks (quiesce: ${source.quiesce}), removed at the end`,
      ...(source.cbt === 'enable' ? ['changed block tracking switched on where it is off'] : []),
      'snapshots that earlier runs left are removed first',
    ].join('; '),
    argv: null,
  },
  {
    action: 'read',
    target: `${source.host}:${source.port}`,
    detail: `by the first that can read all disks: ${source.transports.join(', ')}`,
    argv: null,
  },
];

function requestOf(
  input: NodeTransferInput,
  jobId: string,
  previous: ReadonlyMap<string, string>,
  settings: Settings,
): BackupStartRequest {
  const full = input.disks.every((disk) => disk.mode === 'full');
  return {
    job_id: jobId,
    vm_name: (input.vm as unknown as VmReference).name,
    nbd_targets: input.targets,
    backup_type: full ? 'full' : 'incremental',
    backup_id: input.backup_id ?? null,
    source: input.source,
    ...(input.facts ? { last_revert: input.facts.last_revert } : {}),
    tuning: tuningOf(input, settings),
    disks: input.disks.map((disk) => ({
      key: disk.key,
      uuid: disk.uuid,
      mode: disk.mode,
      method: disk.method,
      previous_change_id: disk.parent?.change_id ?? null,
      previous_index: previous.get(disk.key) ?? null,
    })),
  };
}

type Context = StepContext<Services>;

/** Reports progress until the job ends. Asks often at first, because small jobs end soon. */
async function follow(
  context: Context,
  client: NodeClient,
  jobId: string,
  input: NodeTransferInput,
): Promise<JobStatus> {
  const nameOf = new Map(input.disks.map((disk) => [disk.key, disk.disk]));
  let lastAnswer = performance.now();
  let activity: JobStatus['activity'];
  let told = false;
  for (let pause = 25; ; pause = Math.min(pause * 1.3, 500)) {
    await delay(pause, undefined, { signal: context.signal }).catch(() => context.signal.throwIfAborted());
    const status = await client.status(jobId, context.signal).catch((error: unknown) => {
      const lost = error instanceof SendenseError && error.code === 'node.unreachable' && !context.signal.aborted;
      if (!lost || performance.now() - lastAnswer > patienceMs) throw error;
      return null;
    });
    if (!status) continue;
    lastAnswer = performance.now();
    if (status.activity) {
      context.alive();
      if (status.activity !== activity) context.log(status.activity);
    }
    activity = status.activity;
    if (status.snapshot && !told) context.log(aboutSnapshot(status.snapshot));
    told ||= Boolean(status.snapshot);
    context.progress(
      status.disks.map((disk) => ({
        disk: nameOf.get(disk.key) ?? disk.key,
        phase: disk.phase,
        bytes_done: disk.bytes_done,
        bytes_total: disk.bytes_total,
        rate: disk.rate,
      })),
    );
    if (status.status === 'succeeded') return status;
    if (status.status === 'failed' || status.status === 'cancelled') throw failureOf(status);
  }
}

const aboutSnapshot = ({ name, quiesced, note, transport, transport_reason: why }: SnapshotFacts): string =>
  `snapshot ${name}, ${quiesced ? 'quiesced' : 'not quiesced'}${note ? ` (${note})` : ''}; read by ${transport}: ${why}`;

function failureOf(status: JobStatus): SendenseError {
  const failed = status.disks.find((disk) => disk.error !== null);
  const message =
    status.error?.message ?? (failed ? `disk ${failed.key}: ${failed.error}` : `job ${status.job_id} ${status.status}`);
  const code =
    status.status === 'cancelled'
      ? 'job.cancelled'
      : status.error && Object.hasOwn(catalogue, status.error.code)
        ? (status.error.code as ErrorCode)
        : 'job.failed';
  return new SendenseError(code, message, { details: { job_id: status.job_id } });
}
