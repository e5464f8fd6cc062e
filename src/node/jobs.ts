import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError } from '../errors/sendense-error.ts';
import { isRunning, terminate } from '../host/process-identity.ts';
import { makeRunFolder, removeRunFolder } from '../host/run-folder.ts';
import type { BackupStarted, BackupStartRequest, JobStatus } from '../schemas/types.ts';
import { startClient } from './client-process.ts';
import type { IndexSpool } from './index-spool.ts';
import { jobFolderIn, readClient, readRecord, type JobFolder, type JobRecord } from './job-folder.ts';
import { bury, isFinal, isYoung, whileAlive } from './job-state.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { stopStrays } from './stop-strays.ts';

const maxRunning = 100;
const watchMs = 2000;
/** Jobs that nobody removed. */
const keepMs = 7 * 24 * 3600 * 1000;

/** The jobs of this node. All of it is in files, so that they outlive this process and several nodes can share a folder. */
export interface Jobs extends AsyncDisposable {
  /** @throws SendenseError `node.busy` where another job has this id, `request.invalid` where an index is not here */
  start(request: BackupStartRequest): Promise<BackupStarted>;
  status(id: string): Promise<JobStatus>;
  running(): Promise<number>;
  list(): Promise<JobStatus[]>;
  /** Asks the client to end; does not wait. */
  cancel(id: string): Promise<void>;
  /** Stops the client and all it started, and removes the job's files. */
  remove(id: string): Promise<void>;
  /** @throws SendenseError `job.unknown` */
  folder(id: string): Promise<JobFolder>;
}

export async function openJobs(options: { stateDir: string; indexes: IndexSpool }): Promise<Jobs> {
  const { stateDir, indexes } = options;
  const alone = oneAtATime();
  await mkdir(join(stateDir, 'jobs'), { recursive: true, mode: 0o700 });

  const known = async (id: string): Promise<JobFolder> => {
    const folder = jobFolderIn(stateDir, id);
    if (await readRecord(folder)) return folder;
    throw new SendenseError('job.unknown', `no job ${id} on this node`);
  };
  const status = async (id: string): Promise<JobStatus> => {
    const folder = await known(id);
    return (await whileAlive(folder)) ?? alone(id, () => bury(folder));
  };
  const ids = async (): Promise<string[]> => (await readdir(join(stateDir, 'jobs'))).sort();
  const list = async (): Promise<JobStatus[]> =>
    (await Promise.all((await ids()).map((id) => status(id).catch(() => null)))).filter((job) => job !== null);

  const runningOf = async (all: readonly string[]): Promise<number> =>
    (await Promise.all(all.map((id) => whileAlive(jobFolderIn(stateDir, id))))).filter((job) => job && !isFinal(job))
      .length;

  const start = async (request: BackupStartRequest): Promise<BackupStarted> => {
    const folder = jobFolderIn(stateDir, request.job_id);
    const record: JobRecord = { job_id: request.job_id, vm_name: request.vm_name, request_sha256: digestOf(request) };
    const before = await readRecord(folder);
    if (before) {
      const now = await whileAlive(folder);
      if (before.request_sha256 === record.request_sha256 && now && !isFinal(now))
        return { job_id: request.job_id, status: now.status };
      throw new SendenseError(
        'node.busy',
        `there is a job ${request.job_id} already${now ? ` (${now.status})` : ''}; remove it first`,
      );
    }
    const running = await runningOf(await ids());
    if (running >= maxRunning)
      throw new SendenseError('node.busy', `${running} jobs run on this node, which is the limit`);
    await prepare(folder, record, request, indexes);
    try {
      const client = await startClient(folder, request);
      void client.ended.then(() => status(request.job_id)).catch(() => {});
    } catch (error) {
      await discard(folder);
      throw error;
    }
    return { job_id: request.job_id, status: 'starting' };
  };

  const remove = async (id: string): Promise<void> => {
    const folder = await known(id);
    const client = await readClient(folder);
    if (client) await terminate(client, { graceMs: 20_000 });
    await stopStrays([folder.path, folder.sockets]);
    await discard(folder);
  };

  const watch = async (): Promise<void> => {
    for (const id of await ids()) {
      const folder = jobFolderIn(stateDir, id);
      if (!(await readRecord(folder)) && !(await isYoung(folder.path))) await discard(folder);
      const job = await status(id).catch(() => null);
      if (job?.finished && Date.now() - job.finished > keepMs) await alone(id, () => remove(id));
    }
  };
  await watch();
  let watching = Promise.resolve();
  const timer = setInterval(() => (watching = watching.then(watch).catch(() => {})), watchMs).unref();

  return {
    start: (request) => alone(request.job_id, () => start(request)),
    status,
    running: async () => runningOf(await ids()),
    list,
    cancel: async (id) => {
      const folder = await known(id);
      const client = await readClient(folder);
      if (!client || !isRunning(client)) return;
      // A client that is only just starting dies of the signal without a word.
      await writeFile(folder.cancelled, '', { mode: 0o600 });
      // SIGTERM alone: the client needs its time to stop what it started and to say so.
      process.kill(client.pid, 'SIGTERM');
    },
    remove: (id) => alone(id, () => remove(id)),
    folder: known,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await watching;
    },
  };
}

async function prepare(
  folder: JobFolder,
  record: JobRecord,
  request: BackupStartRequest,
  indexes: IndexSpool,
): Promise<void> {
  const now = Date.now();
  const status: JobStatus = {
    job_id: request.job_id,
    vm_name: request.vm_name,
    status: 'starting',
    started: now,
    finished: null,
    updated: now,
    error: null,
    warnings: [],
    disks: [],
  };
  try {
    await mkdir(folder.path, { mode: 0o700 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST')
      throw new SendenseError('node.busy', `there is a job ${request.job_id} already`, { cause });
    throw cause;
  }
  try {
    const wanted = new Set((request.disks ?? []).flatMap((disk) => disk.previous_index ?? []));
    for (const sha256 of wanted) await indexes.linkTo(sha256, folder.previousIndex(sha256));
    await makeRunFolder(folder.socketsId);
    await writeFile(folder.status, JSON.stringify(status), { mode: 0o600 });
    await writeFile(folder.record, JSON.stringify(record), { mode: 0o600 });
  } catch (error) {
    await discard(folder);
    throw error;
  }
}

async function discard(folder: JobFolder): Promise<void> {
  await removeRunFolder(folder.socketsId);
  await rm(folder.path, { recursive: true, force: true });
}

/** A password is neither stored nor digested: a digest of it could be guessed at. */
const digestOf = (request: BackupStartRequest): string =>
  createHash('sha256')
    .update(JSON.stringify(request, (name, value: unknown) => (name === 'vcenter_password' ? undefined : value)))
    .digest('hex');
