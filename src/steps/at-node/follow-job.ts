import { setTimeout as delay } from 'node:timers/promises';
import type { StepContext } from '../../engine/step.ts';
import { catalogue, type ErrorCode } from '../../errors/catalogue.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { NodeClient } from '../../host/node-api/node-client.ts';
import type { JobStatus, LeftBehind, SnapshotFacts } from '../../schemas/types.ts';

/** What following a job acts with. */
export type FollowContext = Pick<StepContext<unknown>, 'signal' | 'alive' | 'log' | 'warn' | 'progress'>;

export interface FollowedJob {
  /** What the hub calls the disks of the job. */
  readonly disks: readonly { readonly key: string; readonly disk: string }[];
  /** The phase of a disk, as people are told it. */
  readonly phaseOf?: ((phase: string) => string) | undefined;
  /** Asked again and again while it runs. Throws where the run has to be stopped, for what it has written. */
  whileRunning?(): Promise<void>;
  /** Throws where a server is gone. */
  served(): void;
  /** Told how it is, each time. */
  onStatus?: ((status: JobStatus) => void) | undefined;
}

/** Reports progress until the job ends. Asks often at first, because small jobs end soon. */
export async function followJob(
  context: FollowContext,
  client: NodeClient,
  jobId: string,
  job: FollowedJob,
): Promise<JobStatus> {
  const { phaseOf = (phase) => phase } = job;
  const nameOf = new Map(job.disks.map((disk) => [disk.key, disk.disk]));
  let activity: JobStatus['activity'];
  let told = false;
  for (let pause = 25; ; pause = Math.min(pause * 1.3, 500)) {
    await delay(pause, undefined, { signal: context.signal }).catch(() => context.signal.throwIfAborted());
    job.served();
    const status = await client.status(jobId, context.signal);
    job.onStatus?.(status);
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
        phase: phaseOf(disk.phase),
        bytes_done: disk.bytes_done,
        bytes_total: disk.bytes_total,
        rate: disk.rate,
      })),
    );
    if (status.status === 'running') await job.whileRunning?.();
    if (status.status === 'succeeded') return status;
    if (status.status === 'failed' || status.status === 'cancelled') {
      const about = new Set((status.left_behind ?? []).map(({ what }) => what));
      // What the job warned of before it failed may be what made it fail.
      for (const warning of status.warnings)
        if (![...about].some((what) => warning.includes(what))) context.warn(warning);
      // The job only knows that the connection broke.
      job.served();
      throw failureOf(status);
    }
  }
}

const aboutSnapshot = ({ name, quiesced, note, transport, transport_reason: why }: SnapshotFacts): string =>
  `snapshot ${name}, ${quiesced ? 'quiesced' : 'not quiesced'}${note ? ` (${note})` : ''}; read by ${transport}: ${why}`;

const withLeft = (message: string, left: readonly LeftBehind[]): string =>
  left.length === 0 ? message : `${message}; ${left.map(({ what }) => what).join(' and ')} is still there`;

function failureOf(status: JobStatus): SendenseError {
  const failed = status.disks.find((disk) => disk.error !== null);
  const message =
    status.error?.message ?? (failed ? `disk ${failed.key}: ${failed.error}` : `job ${status.job_id} ${status.status}`);
  const code =
    status.status === 'cancelled' && status.error?.code !== 'job.abandoned'
      ? 'job.cancelled'
      : status.error && Object.hasOwn(catalogue, status.error.code)
        ? (status.error.code as ErrorCode)
        : 'job.failed';
  return new SendenseError(code, withLeft(message, status.left_behind ?? []), {
    details: { job_id: status.job_id },
    ...(code === status.error?.code && status.error.remedy !== '' ? { remedy: status.error.remedy } : {}),
  });
}
