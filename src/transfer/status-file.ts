import { rename, writeFile } from 'node:fs/promises';
import { errorToJson } from '../errors/sendense-error.ts';
import type { JobDisk, JobStatus, LeftBehind } from '../schemas/types.ts';
import { createRate, type Rate } from './rate.ts';

const everyMs = 400;

export interface StatusFile extends AsyncDisposable {
  /** Changes what is known of a disk. A new phase starts its bytes and rate from nothing. */
  disk(key: string, facts: Partial<Omit<JobDisk, 'key'>>): void;
  /** Changes what is known of the job. */
  job(
    facts: Pick<
      JobStatus,
      'snapshot' | 'vm_config' | 'not_protected' | 'activity' | 'remarks' | 'login_refused' | 'restored_vm'
    >,
  ): void;
  warn(message: string): void;
  left(what: LeftBehind): void;
  /** Marks as cancelled what has not ended by itself. */
  settle(): void;
  /** The last word; written before this returns. */
  finish(status: 'succeeded' | 'failed' | 'cancelled', error?: unknown): Promise<void>;
}

/** Keeps a file that always holds the whole, current state of the job (`schemas/domain.json`, jobStatus). */
export async function openStatusFile(
  file: string,
  start: { jobId: string; vmName: string; disks: JobDisk[] },
): Promise<StatusFile> {
  const now = Date.now();
  const status: JobStatus = {
    job_id: start.jobId,
    vm_name: start.vmName,
    status: 'running',
    started: now,
    finished: null,
    updated: now,
    error: null,
    warnings: [],
    disks: start.disks,
  };
  const left: LeftBehind[] = [];
  const rates = new Map<string, Rate>(start.disks.map((disk) => [disk.key, createRate()]));
  const write = async (): Promise<void> => {
    status.updated = Date.now();
    for (const disk of status.disks)
      disk.rate = isOver(disk) ? 0 : (rates.get(disk.key)?.at(performance.now(), disk.bytes_done) ?? 0);
    await writeFile(`${file}.part`, JSON.stringify(status), { mode: 0o600 });
    await rename(`${file}.part`, file);
  };
  let writing = write();
  await writing;
  // A full disk must not end the transfer by its status: the next tick tries again.
  const timer = setInterval(() => (writing = writing.then(write).catch(() => {})), everyMs);
  const diskOf = (key: string): JobDisk => {
    const disk = status.disks.find((candidate) => candidate.key === key);
    if (!disk) throw new Error(`no disk ${key} in this job`);
    return disk;
  };
  return {
    disk: (key, facts) => {
      const disk = diskOf(key);
      if (facts.phase && facts.phase !== disk.phase) {
        disk.bytes_done = 0;
        rates.get(key)?.reset();
      }
      Object.assign(disk, facts);
    },
    settle: () => {
      for (const disk of status.disks) if (!isEnd(disk.phase)) disk.phase = 'cancelled';
    },
    job: (facts) => void Object.assign(status, facts),
    warn: (message) => void status.warnings.push(message),
    left: (what) => void left.push(what),
    finish: async (outcome, error) => {
      clearInterval(timer);
      await writing;
      status.status = outcome;
      status.finished = Date.now();
      if (status.activity) status.activity = null;
      status.error = error === undefined ? null : errorToJson(error);
      // Said also where it is nothing: only this process knows.
      status.left_behind = left;
      await write();
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await writing.catch(() => {});
    },
  };
}

const isEnd = (phase: JobDisk['phase']): boolean => phase === 'done' || phase === 'failed' || phase === 'cancelled';

const isOver = (disk: JobDisk): boolean => isEnd(disk.phase) || disk.phase === 'waiting';
