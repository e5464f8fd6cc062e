import { join } from 'node:path';
import { toSendenseError, type SendenseError } from '../errors/sendense-error.ts';
import { namedFull, temporaryPlace, type Place } from '../host/files/full-disk.ts';
import { loopbackAddresses } from '../host/net/loopback-addresses.ts';
import { parseNbdUri } from '../host/nbd/nbd-uri.ts';
import type { BackupStartRequest, JobDisk } from '../schemas/types.ts';
import { diskJobsOf, type DiskJob } from './disk-jobs.ts';
import { openJobLog } from './job-log.ts';
import { createLinkWatch } from './link-watch.ts';
import { createJobPace } from '../blocks/rate-limit.ts';
import type { JobPlace, OpenSource } from '../sources/open-source.ts';
import { openStatusFile } from './status-file.ts';
import { together } from './together.ts';
import { transferDisk } from './transfer-disk.ts';

export interface RunJobOptions {
  readonly request: BackupStartRequest;
  /** Gets `status.json`, `log.jsonl`, `<key>.index`; holds `<sha256>.previous`. */
  readonly jobFolder: string;
  /** At how many loopback addresses, from 127.0.0.1 on, targets at 127.0.0.1 answer, at each by a connection of its own. Default 1. */
  readonly addresses?: number;
  /** For sockets: short, of this user alone, made by the caller. */
  readonly socketFolder: string;
  readonly openSource: (request: BackupStartRequest, options: JobPlace) => Promise<OpenSource>;
  /** Cancels; its reason is the SendenseError to end with. */
  readonly signal: AbortSignal;
}

const disksAtOnce = 2;
/** A served source takes 10 connections (`--shared=10`) and the digest has 3 of them; one too many would wait for ever. */
const copyConnections = 7;

/** Moves all disks of one job. Ends with the final status written, and throws what the job failed with. */
export async function runJob(options: RunJobOptions): Promise<void> {
  const { request, jobFolder, socketFolder, signal } = options;
  await using log = openJobLog(join(jobFolder, 'log.jsonl'));
  const jobs = refusable(() => diskJobsOf(request));
  await using status = await openStatusFile(join(jobFolder, 'status.json'), {
    jobId: request.job_id,
    vmName: request.vm_name,
    disks: (jobs.value ?? []).map(waiting),
  });
  const warn = (message: string): void => {
    status.warn(message);
    log.write('warn', message);
  };
  let [ofSource, isBroken]: [string | null, boolean] = [null, false];
  // Its being there tells the hub that the job lives.
  const tellActivity = (): void =>
    status.job({ activity: ofSource ?? (isBroken ? 'waiting for the connection to the hub' : null) });
  const linkWatch = createLinkWatch({
    log: (level, message) => log.write(level, message),
    onBroken: (broken) => {
      isBroken = broken;
      tellActivity();
    },
  });
  const tellOfLink = (): void => {
    const broke = linkWatch.summary();
    if (broke === null) return;
    status.job({ remarks: [broke] });
    log.write('info', broke);
  };
  try {
    if (!jobs.value) throw jobs.error;
    log.write('info', 'job started', {
      job_id: request.job_id,
      vm_name: request.vm_name,
      backup_type: request.backup_type,
      disks: jobs.value,
    });
    signal.throwIfAborted();
    await using source = await options.openSource(request, {
      jobFolder,
      socketFolder,
      signal,
      warn,
      log: (message) => log.write('info', message),
      left: (what) => {
        status.left(what);
        log.write('error', `${what.what} is still there: ${what.why}`);
      },
      activity: (what) => {
        ofSource = what;
        tellActivity();
      },
    });
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
        onLink: (event) => linkWatch.onLink(event),
        signal: inner,
        report: (facts) => {
          status.disk(job.key, facts);
          if (facts.phase) log.write('info', `disk ${job.key}: ${facts.phase}`, facts);
        },
        warn,
      });
    await together(signal, jobs.value.map(move), request.tuning?.disks_at_once ?? disksAtOnce);
  } catch (cause) {
    const error = signal.aborted ? toSendenseError(signal.reason) : namedFull(cause, placesOf(jobFolder));
    const cancelled = error.code === 'job.cancelled' || error.code === 'job.abandoned';
    tellOfLink();
    log.write(cancelled ? 'warn' : 'error', error.message, { code: error.code });
    status.settle();
    if (error.details?.['refused'] === true) status.job({ login_refused: true });
    await status.finish(cancelled ? 'cancelled' : 'failed', error);
    throw error;
  }
  tellOfLink();
  log.write('info', 'job done');
  await status.finish('succeeded');
}

function isTcpAt(uri: string, host: string | undefined): boolean {
  const address = parseNbdUri(uri);
  return address !== null && address.kind !== 'unix' && address.host === host;
}

const waiting = (job: DiskJob): JobDisk => ({
  key: job.key,
  phase: 'waiting',
  mode: job.method === 'full' ? 'full' : 'incremental',
  method: job.method,
  reason: '',
  capacity_bytes: 0,
  bytes_total: 0,
  bytes_done: 0,
  bytes_transferred: 0,
  bytes_read: 0,
  bytes_sent: 0,
  rate: 0,
  change_id: null,
  digest: null,
  index_bytes: null,
  index_sha256: null,
  error: null,
});

/** A request that makes no sense is a failed job with a status like any other. */
function refusable<T>(read: () => T): { value: T; error?: never } | { value?: never; error: SendenseError } {
  try {
    return { value: read() };
  } catch (error) {
    return { error: toSendenseError(error) };
  }
}

const placesOf = (jobFolder: string): Place[] => [temporaryPlace(), { path: jobFolder, what: 'files of the job' }];
