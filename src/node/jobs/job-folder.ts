import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runFolderOf } from '../../host/programs/run-folder.ts';
import type { JobStatus, ProcessIdentity } from '../../schemas/types.ts';

/** Where a job's files are. What the client puts there is described in `docs/backup-client.md`. */
export interface JobFolder {
  readonly path: string;
  /** Our own record of the job: what was asked, without secrets. */
  readonly record: string;
  readonly status: string;
  readonly log: string;
  /** Identity of the client's process. */
  readonly client: string;
  /** There once someone asked to cancel. */
  readonly cancelled: string;
  /** There once the node gave the job up because nobody asked for it; says so in words. */
  readonly abandoned: string;
  /** There once the job is to be removed as soon as its client has ended. */
  readonly removed: string;
  readonly stdout: string;
  readonly stderr: string;
  /** The VM's configuration, where the source has one. */
  readonly vmConfig: string;
  index(key: string): string;
  previousIndex(sha256: string): string;
  /** Id of the run folder for sockets; short, and no other node's. */
  readonly socketsId: string;
  /** Asked for anew each time: before it is made, it may yet be made in another place. */
  readonly sockets: string;
}

export interface JobRecord {
  readonly job_id: string;
  readonly vm_name: string;
  /** SHA-256 of the request without its password: whether a second request is the same. */
  readonly request_sha256: string;
  /** Dead man's timer, s; null: none. */
  readonly lease_seconds?: number | null;
}

/** In a job's folder. */
export const vmConfigName = 'vm-config.json';

/** In a job's folder; the client looks for it when it is told to end. */
export const abandonedName = 'abandoned';

export function jobFolderIn(stateDir: string, jobId: string): JobFolder {
  const path = join(stateDir, 'jobs', jobId);
  const socketsId = `job-${createHash('sha256').update(path).digest('hex').slice(0, 16)}`;
  return {
    path,
    record: join(path, 'job.json'),
    status: join(path, 'status.json'),
    log: join(path, 'log.jsonl'),
    client: join(path, 'client.json'),
    cancelled: join(path, 'cancelled'),
    abandoned: join(path, abandonedName),
    removed: join(path, 'removed'),
    stdout: join(path, 'client.out'),
    stderr: join(path, 'client.err'),
    vmConfig: join(path, vmConfigName),
    index: (key) => join(path, `${key}.index`),
    previousIndex: (sha256) => join(path, `${sha256}.previous`),
    socketsId,
    get sockets() {
      return runFolderOf(socketsId);
    },
  };
}

export const readStatus = (folder: JobFolder): Promise<JobStatus | null> => readJson<JobStatus>(folder.status);
export const readClient = (folder: JobFolder): Promise<ProcessIdentity | null> =>
  readJson<ProcessIdentity>(folder.client);
export const readRecord = (folder: JobFolder): Promise<JobRecord | null> => readJson<JobRecord>(folder.record);

/** null where the file is missing or, after a crash, not whole. One that cannot be read is not missing: a job may live there. */
async function readJson<T>(file: string): Promise<T | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof SyntaxError || code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
