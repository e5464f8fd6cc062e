import { toSendenseError, type SendenseError } from '../errors/sendense-error.ts';
import { loopbackAddresses } from '../host/net/loopback-addresses.ts';
import { parseNbdUri } from '../host/nbd/nbd-uri.ts';
import type { BackupStartRequest } from '../schemas/types.ts';
import { diskJobsOf, type DiskJob } from './disk-jobs.ts';
import { createJobPace } from '../blocks/rate-limit.ts';
import type { JobPlace, OpenSource } from '../sources/open-source.ts';
import { inJobFrame, waitingDisk, type JobFrame, type JobHow } from './job-frame.ts';
import { together } from './together.ts';
import { transferDisk } from './transfer-disk.ts';

export interface RunJobOptions extends JobHow {
  readonly request: BackupStartRequest;
  /** Gets `status.json`, `log.jsonl`, `<key>.index`; holds `<sha256>.previous`. */
  readonly jobFolder: string;
  /** At how many loopback addresses, from 127.0.0.1 on, targets at 127.0.0.1 answer, at each by a connection of its own. Default 1. */
  readonly addresses?: number;
  readonly openSource: (request: BackupStartRequest, options: JobPlace) => Promise<OpenSource>;
}

const disksAtOnce = 2;
/** A served source takes 10 connections (`--shared=10`) and the digest has 3 of them; one too many would wait for ever. */
const copyConnections = 7;

/** Moves all disks of one backup. Ends with the final status written, and throws what the job failed with. */
export async function runJob(options: RunJobOptions): Promise<void> {
  const { request } = options;
  const jobs = refusable(() => diskJobsOf(request));
  const disks = (jobs.value ?? []).map(({ key, method }) => waitingDisk(key, method));
  await inJobFrame(options, { jobId: request.job_id, vmName: request.vm_name, disks }, async (frame) => {
    if (!jobs.value) throw jobs.error;
    await moveDisks(options, jobs.value, frame);
  });
}

async function moveDisks(options: RunJobOptions, jobs: readonly DiskJob[], frame: JobFrame): Promise<void> {
  const { request, jobFolder, socketFolder, signal } = options;
  const { log, status, place } = frame;
  log.write('info', 'job started', {
    job_id: request.job_id,
    vm_name: request.vm_name,
    backup_type: request.backup_type,
    disks: jobs,
  });
  signal.throwIfAborted();
  await using source = await options.openSource(request, place);
  if (source.facts) {
    const { snapshot, vmConfig, notProtected } = source.facts;
    status.job({ snapshot, vm_config: vmConfig, not_protected: [...notProtected] });
  }
  const tuning = {
    connections: Math.min(request.tuning?.connections ?? 4, copyConnections),
    requests: request.tuning?.requests ?? 64,
  };
  const limitOf = createJobPace({
    diskRate: request.tuning?.disk_rate ?? null,
    jobRate: request.tuning?.job_rate ?? null,
  });
  const link = { reconnectMs: (request.tuning?.reconnect_seconds ?? 0) * 1000, psk: request.nbd_psk ?? null };
  const [here, ...addresses] = loopbackAddresses(options.addresses ?? 1);
  const move = (job: DiskJob) => (inner: AbortSignal) =>
    transferDisk({
      job,
      source,
      jobFolder,
      socketFolder,
      tuning,
      limit: limitOf(),
      // What does not outlive a break goes to the one address that must be there.
      link: link.reconnectMs > 0 && isTcpAt(job.target, here) ? { ...link, addresses } : link,
      onLink: (event) => frame.onLink(event),
      signal: inner,
      report: (facts) => {
        status.disk(job.key, facts);
        if (facts.phase) log.write('info', `disk ${job.key}: ${facts.phase}`, facts);
      },
      warn: place.warn,
    });
  await together(signal, jobs.map(move), request.tuning?.disks_at_once ?? disksAtOnce);
}

function isTcpAt(uri: string, host: string | undefined): boolean {
  const address = parseNbdUri(uri);
  return address !== null && address.kind !== 'unix' && address.host === host;
}

/** A request that makes no sense is a failed job with a status like any other. */
function refusable<T>(read: () => T): { value: T; error?: never } | { value?: never; error: SendenseError } {
  try {
    return { value: read() };
  } catch (error) {
    return { error: toSendenseError(error) };
  }
}
