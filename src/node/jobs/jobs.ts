import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SendenseError, toSendenseError } from '../../errors/sendense-error.ts';
import { exists, removeTree } from '../../host/files/files.ts';
import { namedFull, temporaryPlace } from '../../host/files/full-disk.ts';
import { isRunning } from '../../host/programs/process-identity.ts';
import { makeRunFolder, removeRunFolder } from '../../host/programs/run-folder.ts';
import type { BackupStarted, JobStatus, LeftBehind, Source } from '../../schemas/types.ts';
import { cleanAfterJobs, type AskedCleanUp } from './clean-after-job.ts';
import { startClient, startingClient } from './client-process.ts';
import { abandonWhereNobodyAsks, cancel, stopClient } from './end-client.ts';
import type { IndexSpool } from './index-spool.ts';
import { jobFolderIn, readClient, readRecord, readStatus, type JobFolder, type JobRecord } from './job-folder.ts';
import { bury, isFinal, isYoung, whileAlive } from './job-state.ts';
import { askedJob, type AskedJob, type JobKind } from './job-kinds.ts';
import { leaseIn } from './lease.ts';
import { diskAddresses, linkOf } from '../link-state.ts';
import { oneAtATime } from '../../host/system/one-at-a-time.ts';
import { stopStrays } from './stop-strays.ts';
import { allKinds } from '../../sources/index.ts';
import type { RefusedLogins } from '../vsphere/refused-logins.ts';

/** Jobs at a time. */
export const maxRunning = 100;
const watchMs = 2000;
const cleanUpMs = 30 * 60 * 1000;
/** Jobs that nobody removed. */
const keepMs = 7 * 24 * 3600 * 1000;
/** They are kept so long, ms, after they were first found to be old: the clock may have been set ahead. */
const graceMs = 3_600_000;

export interface RemovedJob {
  /** False: it still closes its source. */
  readonly gone: boolean;
  /** The last that was known of it; null: nothing. */
  readonly last: JobStatus | null;
}

/** The jobs of this node. All of it is in files, so that they outlive this process and several nodes can share a folder. */
export interface Jobs extends AsyncDisposable {
  /** @throws SendenseError `node.busy` where another job has this id, `request.invalid` where an index is not here */
  start<R extends AskedJob['request']>(kind: JobKind<R>, request: R): Promise<BackupStarted>;
  status(id: string): Promise<JobStatus>;
  running(): Promise<number>;
  list(): Promise<JobStatus[]>;
  /** Someone wants to know of the job: its dead man's timer, where it has one, starts anew. */
  asked(id: string): Promise<void>;
  /** Asks the client to end; does not wait. */
  cancel(id: string): Promise<void>;
  /**
   * Stops the client and all it started, and removes the job's files. A client that is still closing its source (removing
   * a snapshot can take hours) is left to it; its files go when it has ended.
   */
  remove(id: string): Promise<RemovedJob>;
  /**
   * Removes what a job left at its source that has ended.
   * @throws SendenseError `node.busy` while it goes on, `snapshot.left`, `vsphere.*`, `source.missing`
   */
  cleanUpAfter(id: string, source: Source, options: Omit<AskedCleanUp, 'signal'>): Promise<void>;
  /** @throws SendenseError `node.busy` while it goes on. A job that is not known has ended. */
  assertEnded(id: string): Promise<void>;
  /** @throws SendenseError `job.unknown` */
  folder(id: string): Promise<JobFolder>;
}

export async function openJobs(options: {
  stateDir: string;
  indexes: IndexSpool;
  refused: RefusedLogins;
  /** Files and folders of the node, which are no disks. */
  own?: readonly string[] | undefined;
  /** Jobs are cancelled when this process is gone; default false. */
  endsWithUs?: boolean | undefined;
}): Promise<Jobs> {
  const { stateDir, indexes, refused, own = [stateDir], endsWithUs = false } = options;
  const alone = oneAtATime();
  const ending = new AbortController();
  /** What goes on for clients that have ended. */
  const afterwards = new Set<Promise<void>>();
  await mkdir(join(stateDir, 'jobs'), { recursive: true, mode: 0o700 });

  const known = async (id: string): Promise<JobFolder> => {
    const folder = jobFolderIn(stateDir, id);
    if (await readRecord(folder)) return folder;
    throw unknown(id);
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

  const start = async (job: AskedJob): Promise<BackupStarted> => {
    const { request } = job;
    const folder = jobFolderIn(stateDir, request.job_id);
    const record: JobRecord = {
      job_id: request.job_id,
      vm_name: job.vmName,
      request_sha256: digestOf(request),
      lease_seconds: request.lease_seconds ?? null,
    };
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
    const refusal = await job.refusal(refused);
    if (refusal) throw refusal;
    const running = await runningOf(await ids());
    if (running >= maxRunning)
      throw new SendenseError('node.busy', `${running} jobs run on this node, and that is its limit`);
    await prepare(folder, record, job, indexes);
    try {
      const client = await startClient(folder, job, {
        addresses: diskAddresses(await linkOf(stateDir)),
        own,
        endsWithUs,
      });
      void client.ended.then((byItself) => {
        const after = afterEnd(folder, job, byItself).catch(() => {});
        afterwards.add(after);
        return after.finally(() => afterwards.delete(after));
      });
    } catch (error) {
      await discard(folder);
      throw error;
    }
    return { job_id: request.job_id, status: 'starting' };
  };

  /** A client that died could not close its source; what it logged in with is still known here. */
  const afterEnd = async (folder: JobFolder, job: AskedJob, byItself: boolean): Promise<void> => {
    const { job_id: id } = job.request;
    const lost = (await readRecord(folder)) !== null && (await whileAlive(folder)) === null;
    const last = await status(id).catch(() => null);
    if (last?.login_refused) await job.noteRefused(refused);
    if ((byItself && !lost) || job.cleanUp === null) return;
    try {
      await job.cleanUp(refused, AbortSignal.any([ending.signal, AbortSignal.timeout(cleanUpMs)]));
      await noteLeft(folder, []).catch(() => {});
    } catch (error) {
      const { code, message, details } = toSendenseError(error);
      const line = { time: Date.now(), level: 'error', message: `the source was not cleaned up: ${message}`, code };
      await appendFile(folder.log, `${JSON.stringify(line)}\n`).catch(() => {});
      const what = typeof details?.['what'] === 'string' ? details['what'] : `what job ${id} made`;
      await noteLeft(folder, [{ what, why: message }]).catch(() => {});
    }
  };

  const cleanAfterJob = cleanAfterJobs();
  const assertEnded = async (id: string): Promise<void> => {
    const job = await status(id).catch(() => null);
    const client = await readClient(jobFolderIn(stateDir, id));
    if ((job && !isFinal(job)) || (client && isRunning(client)))
      throw new SendenseError('node.busy', `job ${id} has not ended yet`);
  };

  const remove = async (id: string): Promise<RemovedJob> => {
    const folder = jobFolderIn(stateDir, id);
    // Without a record, too: the process that was making it, or starting its client, has died.
    if (!(await exists(folder.path))) throw unknown(id);
    const client = (await readClient(folder)) ?? startingClient(folder);
    if (client && !(await stopClient(folder, client))) return { gone: false, last: await readStatus(folder) };
    await stopStrays([folder.path, folder.sockets]);
    const last = await readStatus(folder);
    await discard(folder);
    return { gone: true, last };
  };

  /** Jobs that are old by the clock, and since when, ms of the clock that nobody sets. */
  const old = new Map<string, number>();
  const isLongOver = (id: string, finished: number): boolean => {
    if (Date.now() - finished <= keepMs) return (old.delete(id), false);
    const since = old.get(id) ?? performance.now();
    old.set(id, since);
    return performance.now() - since > graceMs;
  };

  const lookAfter = async (id: string): Promise<void> => {
    const folder = jobFolderIn(stateDir, id);
    if (!(await readRecord(folder)) && !(await isYoung(folder.path))) await discard(folder);
    const job = await status(id).catch(() => null);
    if (job && !isFinal(job)) await abandonWhereNobodyAsks(folder);
    if (job && isFinal(job) && (await exists(folder.removed))) await alone(id, () => remove(id));
    else if (job?.finished && isLongOver(id, job.finished)) await alone(id, () => remove(id));
  };
  /** A job that cannot be looked after is tried again the next time, and must not keep the others from it. */
  const watch = async (): Promise<void> => {
    for (const id of await ids()) await lookAfter(id).catch(() => {});
  };
  await watch();
  let watching = Promise.resolve();
  const timer = setInterval(() => (watching = watching.then(watch).catch(() => {})), watchMs).unref();

  return {
    start: (kind, request) => alone(request.job_id, () => start(askedJob(kind, request))),
    status,
    running: async () => runningOf(await ids()),
    list,
    asked: async (id) => {
      const folder = await known(id);
      if ((await readRecord(folder))?.lease_seconds) await leaseIn(folder.path).renew();
    },
    cancel: async (id) => cancel(await known(id)),
    remove: (id) => alone(id, () => remove(id)),
    cleanUpAfter: async (id, source, asked) => {
      await assertEnded(id);
      const signal = AbortSignal.any([ending.signal, AbortSignal.timeout(cleanUpMs)]);
      await cleanAfterJob(id, source, { ...asked, signal });
    },
    assertEnded,
    folder: known,
    [Symbol.asyncDispose]: async () => {
      ending.abort(new SendenseError('job.cancelled', 'the node ends'));
      clearInterval(timer);
      await Promise.all([watching, ...afterwards]);
    },
  };
}

/** Changes the last word on a job whose client could not say it. */
async function noteLeft(folder: JobFolder, left: LeftBehind[]): Promise<void> {
  const last = await readStatus(folder);
  if (!last || !isFinal(last)) return;
  await writeFile(`${folder.status}.left`, JSON.stringify({ ...last, left_behind: left }), { mode: 0o600 });
  await rename(`${folder.status}.left`, folder.status);
}

const unknown = (id: string): SendenseError => new SendenseError('job.unknown', `no job ${id} on this node`);

async function prepare(folder: JobFolder, record: JobRecord, job: AskedJob, indexes: IndexSpool): Promise<void> {
  const now = Date.now();
  const status: JobStatus = {
    job_id: record.job_id,
    vm_name: record.vm_name,
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
      throw new SendenseError('node.busy', `there is a job ${record.job_id} already`, { cause });
    throw cause;
  }
  try {
    for (const sha256 of new Set(job.indexes)) await indexes.linkTo(sha256, folder.previousIndex(sha256));
    await makeRunFolder(folder.socketsId);
    await writeFile(folder.status, JSON.stringify(status), { mode: 0o600 });
    await leaseIn(folder.path).renew();
    await writeFile(folder.record, JSON.stringify(record), { mode: 0o600 });
  } catch (error) {
    // Named while nothing is removed: then there is space again.
    const named = namedFull(error, [temporaryPlace(), { path: folder.path, what: 'the state folder of the node' }]);
    await discard(folder);
    throw named.code === 'disk.full' ? named : error;
  }
}

async function discard(folder: JobFolder): Promise<void> {
  await removeRunFolder(folder.socketsId);
  await removeTree(folder.path);
}

const secretFields: readonly string[] = [...allKinds.flatMap(({ login }) => login?.secretFields ?? []), 'nbd_psk'];

/** A password is neither stored nor digested: a digest of it could be guessed at. */
const digestOf = (request: AskedJob['request']): string =>
  createHash('sha256')
    .update(JSON.stringify(request, (name, value: unknown) => (secretFields.includes(name) ? undefined : value)))
    .digest('hex');
