// oxlint-disable-next-line no-restricted-imports -- a detached child with its output in files is nothing that src/host offers
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { getCompileCacheDir } from 'node:module';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { identityOf, liveProcesses } from '../../host/programs/process-identity.ts';
import { startFile } from '../../schemas/package.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';
import type { JobFolder } from './job-folder.ts';
import type { AskedJob } from './job-kinds.ts';

const entry = startFile('cli/sendense-backup-client');

export interface StartedClient {
  readonly identity: ProcessIdentity;
  /** Resolves when the process has ended and was reaped: whether by itself, not by a signal that it could not handle. */
  readonly ended: Promise<boolean>;
}

/**
 * Starts the client of a job in a session of its own, so that it outlives this process. With `endsWithUs` it cancels the job and
 * closes its source when this process is gone. The document, which may hold a password, goes through its standard input: neither
 * argv nor the environment nor a file has it.
 * @param own files and folders of the node, which are no disks
 * @param addresses at how many loopback addresses the hub's disks answer here
 */
export async function startClient(
  folder: JobFolder,
  { kind, request }: Pick<AskedJob, 'kind' | 'request'>,
  {
    addresses,
    own,
    endsWithUs,
  }: { readonly addresses: number; readonly own: readonly string[]; readonly endsWithUs: boolean },
): Promise<StartedClient> {
  await using stdout = await open(folder.stdout, 'w', 0o600);
  await using stderr = await open(folder.stderr, 'w', 0o600);
  const args = [
    ['--job', '-'],
    ['--kind', kind],
    ['--job-dir', folder.path],
    ['--socket-dir', folder.sockets],
    ['--target-addresses', String(addresses)],
    ...own.map((path) => ['--not-a-disk', path]),
    endsWithUs ? ['--ends-with-caller'] : [],
  ];
  const child = spawn(process.execPath, [entry, '--checked', ...args.flat()], {
    detached: true,
    // Nothing is ever said over the last one: it ends with this process.
    stdio: ['pipe', stdout.fd, stderr.fd, ...(endsWithUs ? ['pipe' as const] : [])],
    cwd: '/',
    env: { ...process.env, ...compileCache() },
  });
  const { promise: ended, resolve } = Promise.withResolvers<boolean>();
  child.once('exit', (_code, signal) => resolve(signal === null));
  const failed = new Promise<never>((_, reject) => {
    child.once('error', (cause) =>
      reject(new SendenseError('job.failed', `the transfer process could not be started: ${cause.message}`, { cause })),
    );
  });
  failed.catch(() => resolve(true));
  child.stdin?.on('error', () => {});
  child.stdin?.end(JSON.stringify(request));
  const held = child.stdio[3] as Socket | null | undefined;
  held?.on('error', () => {}).unref();
  child.unref();
  if (child.pid === undefined) return failed;
  // Where it has ended already, an identity that no process has.
  const identity = identityOf(child.pid) ?? { pid: child.pid, start_time: '', boot_id: '' };
  // At once and not asynchronously: after a crash of this process the file is how the next one finds the client.
  writeFileSync(folder.client, JSON.stringify(identity), { mode: 0o600 });
  return { identity, ended };
}

/** The client of a job that nobody has noted down: who started it died in that moment, and it has not come to it yet. */
export const startingClient = (folder: JobFolder): ProcessIdentity | null =>
  [...liveProcesses()].find(
    ({ argv }) => argv.includes('--checked') && argv[argv.indexOf('--job-dir') + 1] === folder.path,
  )?.identity ?? null;

/** The cache that this program uses, if it uses one: it halves the client's time to start. */
function compileCache(): { NODE_COMPILE_CACHE?: string } {
  const folder = getCompileCacheDir();
  // What Node answers is the folder of its own version inside the one that was asked for.
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}
