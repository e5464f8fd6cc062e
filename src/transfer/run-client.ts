import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exitCodeOf, SendenseError } from '../errors/sendense-error.ts';
import { thisProcess } from '../host/process-identity.ts';
import { makeRunFolder, removeRunFolder } from '../host/run-folder.ts';
import { clientHelp, readClientOptions } from './client-options.ts';
import { runJob, type RunJobOptions } from './run-job.ts';

/** The whole program `sendense-backup-client`: runs one job and returns the exit code. */
export async function runClient(
  argv: readonly string[],
  version: string,
  openSource: RunJobOptions['openSource'],
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
    const { request, jobFolder, isFolderNew, addresses } = options;
    folder = jobFolder;
    if (isFolderNew) await mkdir(jobFolder, { recursive: true, mode: 0o700 });
    await writeFile(join(jobFolder, 'client.json'), JSON.stringify(thisProcess()), { mode: 0o600 });
    await using sockets = await socketFolderOf(jobFolder, options.socketFolder);
    await runJob({
      request,
      jobFolder,
      addresses,
      socketFolder: sockets.path,
      openSource,
      signal: cancelled.signal,
    });
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
function onSignal(jobFolder: () => string | null): { signal: AbortSignal; exitCode(): number } {
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
  return { signal: controller.signal, exitCode: () => exitCode };
}

function abandonedIn(jobFolder: string | null): string | null {
  try {
    return jobFolder === null ? null : readFileSync(join(jobFolder, 'abandoned'), 'utf8');
  } catch {
    return null;
  }
}

/** The caller's folder, which it removes; or one that follows from the job's folder and is removed here. */
async function socketFolderOf(jobFolder: string, given: string | null): Promise<{ path: string } & AsyncDisposable> {
  if (given !== null) return { path: given, [Symbol.asyncDispose]: async () => {} };
  const id = `client-${createHash('sha256').update(jobFolder).digest('hex').slice(0, 16)}`;
  return { path: await makeRunFolder(id), [Symbol.asyncDispose]: () => removeRunFolder(id) };
}
