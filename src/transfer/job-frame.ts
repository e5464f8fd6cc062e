import { join } from 'node:path';
import { toSendenseError } from '../errors/sendense-error.ts';
import { namedFull, temporaryPlace, type Place } from '../host/files/full-disk.ts';
import type { LinkEvent } from '../host/nbd/nbd-lasting.ts';
import type { JobDisk } from '../schemas/types.ts';
import type { JobPlace } from '../sources/open-source.ts';
import { openJobLog, type JobLog } from './job-log.ts';
import { createLinkWatch } from './link-watch.ts';
import { openStatusFile, type StatusFile } from './status-file.ts';

/** Where a job runs, whatever it does. */
export interface JobHow {
  /** Gets `status.json`, `log.jsonl`, and what the job makes. */
  readonly jobFolder: string;
  /** For sockets: short, of this user alone, made by the caller. */
  readonly socketFolder: string;
  /** Cancels; its reason is the SendenseError to end with. */
  readonly signal: AbortSignal;
}

/** Which job it is. */
export interface JobFacts {
  readonly jobId: string;
  readonly vmName: string;
  readonly disks: readonly JobDisk[];
}

/** What the work of a job acts with. */
export interface JobFrame {
  readonly place: JobPlace;
  readonly log: JobLog;
  readonly status: StatusFile;
  /** A connection to the hub broke, or is back. */
  onLink(event: LinkEvent): void;
}

/** Does the work of a job between its first and its last word. Ends with the final status written, and throws what the work failed with. */
export async function inJobFrame(
  { jobFolder, socketFolder, signal }: JobHow,
  { jobId, vmName, disks }: JobFacts,
  work: (frame: JobFrame) => Promise<void>,
): Promise<void> {
  await using log = openJobLog(join(jobFolder, 'log.jsonl'));
  await using status = await openStatusFile(join(jobFolder, 'status.json'), { jobId, vmName, disks: [...disks] });
  let [ofWork, isBroken]: [string | null, boolean] = [null, false];
  // Its being there tells the hub that the job lives.
  const tellActivity = (): void =>
    status.job({ activity: ofWork ?? (isBroken ? 'waiting for the connection to the hub' : null) });
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
  const place: JobPlace = {
    jobFolder,
    socketFolder,
    signal,
    warn: (message) => {
      status.warn(message);
      log.write('warn', message);
    },
    log: (message) => log.write('info', message),
    left: (what) => {
      status.left(what);
      log.write('error', `${what.what} is still there: ${what.why}`);
    },
    activity: (what) => {
      ofWork = what;
      tellActivity();
    },
  };
  try {
    await work({ place, log, status, onLink: (event) => linkWatch.onLink(event) });
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

const placesOf = (jobFolder: string): Place[] => [temporaryPlace(), { path: jobFolder, what: 'files of the job' }];

/** A disk at which the job has not begun. */
export const waitingDisk = (
  key: string,
  method: JobDisk['method'] = 'full',
  mode: JobDisk['mode'] = method === 'full' ? 'full' : 'incremental',
): JobDisk => ({
  key,
  phase: 'waiting',
  mode,
  method,
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
