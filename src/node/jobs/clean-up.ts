import { lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isHeld } from '../../host/files/held-folder.ts';
import { isRunning, liveProcesses } from '../../host/programs/process-identity.ts';
import { removeRunFolder, runFolderParents } from '../../host/programs/run-folder.ts';
import { toSendenseError } from '../../errors/sendense-error.ts';
import type { CleanedUp, CleanupRequest } from '../../schemas/types.ts';
import { jobFolderIn, readClient } from './job-folder.ts';
import { isFinal, whileAlive } from './job-state.ts';
import type { NodeParts } from '../routes/route.ts';
import { moversNaming, stopMover, type Mover } from './stop-strays.ts';

/** A job makes its folder a moment before its process names it. */
const folderIsOldAfterMs = 3_600_000;

type Local = Omit<CleanedUp, 'snapshots' | 'kept_snapshots'>;

/** Removes from this machine what no job needs. Never touches a job that runs, nor what another node's jobs use. */
export async function cleanUpHere(node: NodeParts, request: CleanupRequest): Promise<Local> {
  const olderMs = request.older_than_seconds * 1000;
  const done: Local = { dry_run: request.dry_run, jobs: [], strays: [], run_folders: [], indexes: [], warnings: [] };
  /** Notes what was removed, or why not. */
  const each = async <T>(list: T[], found: readonly T[], remove: (one: T) => Promise<unknown>): Promise<void> => {
    for (const one of found) {
      try {
        if (!request.dry_run) await remove(one);
        list.push(one);
      } catch (error) {
        done.warnings.push(toSendenseError(error).message);
      }
    }
  };
  // Asking for the jobs ends those whose process died, and stops what they had started.
  const jobs = await node.jobs.list();
  for (const job of jobs) node.metrics.job(job);
  const old = jobs.flatMap(({ job_id, status, finished }) =>
    finished !== null && Date.now() - finished >= olderMs ? [{ job_id, status, finished }] : [],
  );
  const strays = await findStrays(node.stateDir);
  await each(
    done.strays,
    strays.map(({ identity, program }) => ({ pid: identity.pid, program })),
    async ({ pid }) => {
      const stray = strays.find(({ identity }) => identity.pid === pid);
      if (stray) await stopMover(stray.identity);
    },
  );
  await each(done.jobs, old, ({ job_id: id }) => node.jobs.remove(id));
  await each(done.run_folders, await deadRunFolders(node.stateDir), (path) => removeRunFolder(basename(path)));
  await each(done.indexes, await node.indexes.unused(olderMs), ({ sha256 }) => node.indexes.remove(sha256));
  return done;
}

const jobIds = (stateDir: string): Promise<string[]> => readdir(join(stateDir, 'jobs'));

/** Data movers that name a job of this node that is over, or that is not there any more. */
async function findStrays(stateDir: string): Promise<Mover[]> {
  const ids = await jobIds(stateDir);
  const sockets = new Map(ids.map((id) => [`${jobFolderIn(stateDir, id).sockets}/`, id]));
  const jobs = `${join(stateDir, 'jobs')}/`;
  const idIn = (arg: string): string | undefined => {
    const place = arg.indexOf(jobs);
    if (place >= 0) return /^[^/]+/.exec(arg.slice(place + jobs.length))?.[0];
    for (const [folder, id] of sockets) if (arg.includes(folder)) return id;
    return undefined;
  };
  const movers = moversNaming([join(stateDir, 'jobs'), ...[...sockets.keys()].map((path) => path.slice(0, -1))]);
  const dead = await Promise.all(
    movers.map(async ({ args }) => {
      const named = [...new Set(args.flatMap((arg) => idIn(arg) ?? []))];
      const over = await Promise.all(named.map((id) => isOver(stateDir, id)));
      return over.length > 0 && over.every(Boolean);
    }),
  );
  return movers.filter((_, index) => dead[index]);
}

/** A job that has ended may still be closing what it opened. */
async function isOver(stateDir: string, id: string): Promise<boolean> {
  const folder = jobFolderIn(stateDir, id);
  const status = await whileAlive(folder);
  if (status && !isFinal(status)) return false;
  const client = await readClient(folder);
  return client === null || !isRunning(client);
}

/** Folders for sockets of jobs, of this node or another, that no process of this machine names any more. */
async function deadRunFolders(stateDir: string): Promise<string[]> {
  const ours = new Set((await jobIds(stateDir)).map((id) => jobFolderIn(stateDir, id).socketsId));
  const paths = await Promise.all(
    runFolderParents().map(async (parent) => (await readdir(parent).catch(() => [])).map((name) => join(parent, name))),
  );
  const old: string[] = [];
  for (const path of paths.flat()) {
    const name = basename(path);
    const info = ours.has(name) || !/^job-[0-9a-f]{16}$/.test(name) ? null : await lstat(path).catch(() => null);
    if (info?.isDirectory() && Date.now() - info.mtimeMs >= folderIsOldAfterMs) old.push(path);
  }
  if (old.length === 0) return [];
  const named = [...liveProcesses()].flatMap(({ argv }) => argv.map((arg) => arg.replaceAll('%2F', '/')));
  const unnamed = old.filter((path) => !named.some((arg) => arg.includes(path)));
  // The client may live in another pid namespace that shares the temporary folder.
  const held = await Promise.all(unnamed.map(isHeld));
  return unnamed.filter((_, index) => !held[index]).toSorted();
}
