import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { openSource } from '../../src/node/sources/index.ts';
import type { BackupStartRequest, JobStatus } from '../../src/schemas/types.ts';
import { runJob, type RunJobOptions } from '../../src/transfer/run-job.ts';
import type { Workshop } from '../node/support.ts';

/** Runs a job in this process; the status is what it leaves in its folder, also when it fails. */
export async function runHere(
  at: Workshop,
  request: BackupStartRequest,
  options: Partial<Pick<RunJobOptions, 'signal' | 'openSource' | 'addresses'>> = {},
): Promise<JobStatus> {
  const jobFolder = at.path(request.job_id);
  const socketFolder = at.path(`${request.job_id}.s`);
  await mkdir(jobFolder, { recursive: true });
  await mkdir(socketFolder);
  const signal = options.signal ?? new AbortController().signal;
  await runJob({ request, jobFolder, socketFolder, openSource, ...options, signal }).catch(() => {});
  return JSON.parse(await readFile(join(jobFolder, 'status.json'), 'utf8')) as JobStatus;
}

/** Gives a later job the index of an earlier one, as the node does. */
export async function handIndexOn(at: Workshop, from: JobStatus, to: string, key = '0'): Promise<string> {
  const sha256 = from.disks.find((disk) => disk.key === key)?.index_sha256;
  if (!sha256) throw new Error(`no index in ${JSON.stringify(from)}`);
  await mkdir(at.path(to), { recursive: true });
  await rename(join(at.path(from.job_id), `${key}.index`), join(at.path(to), `${sha256}.previous`));
  return sha256;
}
