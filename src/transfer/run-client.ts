import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { basename, join } from 'node:path';
import { exitCodeOf, SendenseError } from '../errors/sendense-error.ts';
import { thisProcess } from '../host/programs/process-identity.ts';
import { holdFolder } from '../host/files/held-folder.ts';
import { makeRunFolder, removeRunFolder, runFolderOf } from '../host/programs/run-folder.ts';
import { clientHelp, readClientOptions } from './client-options.ts';
import { jobKind, type JobParts } from './job-kinds.ts';

export interface ClientParts extends JobParts {
  /** Tells when nobody has asked for the job for so long, s. */
  watchLease(jobFolder: string, seconds: number, onEnd: (why: string) => void): Disposable;
}

/** The whole program `sendense-backup-client`: runs one job and returns the exit code. */
export async function runClient(
  argv: readonly string[],
  version: string,
  { watchLease, ...parts }: ClientParts,
): Promise<number> {
  outliveCaller();
  let folder: string | null = null;
  const cancelled = onSignal(() => folder);
  try {
    const options = await readClientOptions(argv);
    if (options.show) {
      process.stdout.write(options.show === 'help' ? clientHelp : `${version}\n`);
      return 0;
    }
    const { kind, request, jobFolder, isFolderNew, addresses, own, endsWithCaller } = options;
    folder = jobFolder;
    if (endsWithCaller) onCallersEnd(() => cancelled.abandon('the process that asked for the transfer is gone'));
    const seconds = request.lease_seconds ?? null;
    using _lease = seconds === null ? null : watchLease(jobFolder, seconds, cancelled.abandon);
    // First: it is removed also where the job's folder is gone by now.
    await using sockets = await socketFolderOf(jobFolder, options.socketFolder);
    if (isFolderNew) await mkdir(jobFolder, { recursive: true, mode: 0o700 });
    await writeFile(join(jobFolder, 'client.json'), JSON.stringify(thisProcess()), { mode: 0o600 });
    await using _held = await holdFolder(sockets.path);
    const how = { jobFolder, addresses, own, socketFolder: sockets.path, signal: cancelled.signal };
    await jobKind(kind).run(request, how, parts);
    return 0;
  } catch (error) {
    if (cancelled.signal.aborted) return cancelled.exitCode();
    process.stderr.write(`sendense-backup-client: ${(error as Error).message}\n`);
    return exitCodeOf(error);
  }
}

/** The job belongs to nobody's terminal and to no pipe. */
function outliveCaller(): void {
  process.on('SIGHUP', () => {});
  process.on('SIGPIPE', () => {});
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
}

/** @param jobFolder holds the file `abandoned` where the node gave the job up */
function onSignal(jobFolder: () => string | null): Cancelled {
  const controller = new AbortController();
  let exitCode = 143;
  const cancel = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) return;
    exitCode = name === 'SIGINT' ? 130 : 143;
    const why = abandonedIn(jobFolder());
    controller.abort(
      why === null
        ? new SendenseError('job.cancelled', `the transfer was cancelled (${name})`)
        : new SendenseError('job.abandoned', why),
    );
  };
  process.on('SIGTERM', cancel);
  process.on('SIGINT', cancel);
  const abandon = (why: string): void => controller.abort(new SendenseError('job.abandoned', why));
  return { signal: controller.signal, exitCode: () => exitCode, abandon };
}

interface Cancelled {
  readonly signal: AbortSignal;
  exitCode(): number;
  /** Nobody wants the job any more. */
  abandon(why: string): void;
}

/** The caller holds the other end of descriptor 3, and lets go of it only by its own end. */
function onCallersEnd(act: () => void): void {
  const held = new Socket({ fd: 3, readable: true, writable: false });
  held.on('error', act).on('close', act).resume().unref();
}

function abandonedIn(jobFolder: string | null): string | null {
  try {
    return jobFolder === null ? null : readFileSync(join(jobFolder, 'abandoned'), 'utf8');
  } catch {
    return null;
  }
}

/**
 * The folder that the node made for this job, or one that follows from the job's folder; both are removed here, because a node that
 * is taken away never asks for its last jobs again. Any other folder is the caller's.
 */
async function socketFolderOf(jobFolder: string, given: string | null): Promise<{ path: string } & AsyncDisposable> {
  if (given !== null) {
    const id = basename(given);
    return {
      path: given,
      [Symbol.asyncDispose]: async () => {
        if (runFolderOf(id) === given) await removeRunFolder(id);
      },
    };
  }
  const id = `client-${createHash('sha256').update(jobFolder).digest('hex').slice(0, 16)}`;
  return { path: await makeRunFolder(id), [Symbol.asyncDispose]: () => removeRunFolder(id) };
}
