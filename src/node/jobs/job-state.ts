import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { errorToJson, SendenseError } from '../../errors/sendense-error.ts';
import { exists } from '../../host/files/files.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import { tail } from '../../host/programs/process.ts';
import { removeRunFolder } from '../../host/programs/run-folder.ts';
import type { JobStatus } from '../../schemas/types.ts';
import { readClient, readRecord, readStatus, type JobFolder } from './job-folder.ts';
import { stopStrays } from './stop-strays.ts';

/** A job without a client for so long has lost it: the node that started it died at just that moment. */
const startMs = 30_000;

export const isFinal = (job: JobStatus): boolean =>
  job.status === 'succeeded' || job.status === 'failed' || job.status === 'cancelled';

/** The status of a job that has ended by itself or still lives; null where its client died. */
export async function whileAlive(folder: JobFolder): Promise<JobStatus | null> {
  const before = await readStatus(folder);
  if (before && isFinal(before)) return before;
  const client = await readClient(folder);
  const lives = client ? isRunning(client) : await isYoung(folder.record);
  if (lives) return before;
  // It may have ended well between the two looks.
  const after = await readStatus(folder);
  return after && isFinal(after) ? after : null;
}

export async function isYoung(file: string): Promise<boolean> {
  const info = await stat(file).catch(() => null);
  return info !== null && Date.now() - info.mtimeMs < startMs;
}

/** Ends a job whose client died: stops what the client started, and says so in its status. */
export async function bury(folder: JobFolder): Promise<JobStatus> {
  const still = await whileAlive(folder);
  if (still) return still;
  await stopStrays([folder.path, folder.sockets]);
  await removeRunFolder(folder.socketsId);
  const record = await readRecord(folder);
  if (!record) throw new SendenseError('job.unknown', 'the job was removed');
  const before = await readStatus(folder);
  const said = tail(await readFile(folder.stderr, 'utf8').catch(() => ''));
  const now = Date.now();
  const abandoned = await readFile(folder.abandoned, 'utf8').catch(() => null);
  const cancelled = abandoned !== null || (await exists(folder.cancelled));
  const error =
    abandoned !== null
      ? new SendenseError('job.abandoned', abandoned)
      : cancelled
        ? new SendenseError('job.cancelled', 'the transfer was cancelled')
        : new SendenseError('job.lost', `the transfer process of job ${record.job_id} died${said ? `: ${said}` : ''}`);
  const status: JobStatus = {
    job_id: record.job_id,
    vm_name: record.vm_name,
    started: now,
    warnings: [],
    ...before,
    status: cancelled ? 'cancelled' : 'failed',
    finished: now,
    updated: now,
    error: errorToJson(error),
    disks: (before?.disks ?? []).map((disk) =>
      disk.phase === 'done' ? disk : { ...disk, phase: cancelled ? 'cancelled' : 'failed', rate: 0 },
    ),
  };
  await writeFile(`${folder.status}.lost`, JSON.stringify(status), { mode: 0o600 });
  await rename(`${folder.status}.lost`, folder.status);
  return status;
}
