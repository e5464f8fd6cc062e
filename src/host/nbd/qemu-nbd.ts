import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { saysNoSpace } from '../../errors/no-space.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import type { ProcessIdentity } from '../../schemas/types.ts';
import { isFull } from '../files/full-disk.ts';
import type { ImageTarget } from '../images/image-options.ts';
import { tcpUri, tlsUri, unixUri } from './nbd-uri.ts';
import { processOfPidFile } from '../programs/process-of-pid-file.ts';
import { terminate, type TerminateOptions } from '../programs/process-identity.ts';
import { pskIdentity } from './psk-file.ts';
import { startServer, type ServerEnd } from '../programs/start-server.ts';

export interface ServeOptions {
  /** Absolute path. */
  readonly file: string;
  readonly format: string;
  /** How the file is opened, where that takes a key or a name that counts from `cwd`. Default: by its name. */
  readonly image?: ImageTarget | undefined;
  /** The folder that relative names in `image` count from. */
  readonly cwd?: string | undefined;
  readonly readOnly: boolean;
  /** A TCP port, of the loopback address where there is no other, or the path of a Unix socket that does not exist yet. */
  readonly listen: { readonly port: number; readonly address?: string | undefined } | { readonly socket: string };
  readonly exportName: string;
  /** Absolute path of the pid file to be written. */
  readonly pidFile: string;
  /** Read an image although another program has it open for writing. */
  readonly forceShare?: boolean;
  /** Connections at a time. Default 10. */
  readonly clients?: number | undefined;
  /** What the server says of the export in words: with words of its own, a client knows this very process again. */
  readonly description?: string | undefined;
  /** Folder with the file of `writePsk`: only who has its key is served, encrypted. */
  readonly pskFolder?: string | null | undefined;
  /** It outlives this process, and writes what it says to this file. */
  readonly lastingLog?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface NbdServer extends AsyncDisposable {
  readonly process: ProcessIdentity;
  readonly uri: string;
  /** Stops it gracefully, so that everything is flushed; killed where it does not end within `graceMs` (default 60000). */
  stop(options?: { graceMs?: number; signal?: AbortSignal | undefined }): Promise<'gone' | 'terminated' | 'killed'>;
}

/**
 * Writing: past the page cache, asynchronously; `threads` is for file systems that refuse O_DIRECT (tmpfs, some FUSE), and for
 * what comes after the first sixty or so disks at a time: the kernel gives out no more contexts than `fs.aio-max-nr` allows.
 */
type CacheMode = 'native' | 'threads';

/** Arguments of qemu-nbd; also what a dry-run shows. */
export function qemuNbdArgs(options: ServeOptions, cache: CacheMode = 'native'): string[] {
  const mode = options.readOnly
    ? ['--read-only', '--cache=writeback']
    : cache === 'native'
      ? ['--cache=none', '--aio=native', '--discard=unmap', '--detect-zeroes=on']
      : ['--cache=writeback', '--aio=threads', '--discard=unmap', '--detect-zeroes=on'];
  const listen =
    'port' in options.listen
      ? [`--bind=${options.listen.address ?? '127.0.0.1'}`, `--port=${options.listen.port}`]
      : [`--socket=${options.listen.socket}`];
  const image = options.image
    ? [...options.image.objects, ...options.image.format, options.image.name]
    : options.forceShare
      ? ['--image-opts', `driver=${options.format},force-share=on,file.filename=${options.file.replaceAll(',', ',,')}`]
      : [`--format=${options.format}`, options.file];
  return [
    `--pid-file=${options.pidFile}`,
    '--persistent',
    `--shared=${options.clients ?? 10}`,
    ...mode,
    ...listen,
    ...(options.pskFolder
      ? [
          `--object=tls-creds-psk,id=tls,endpoint=server,dir=${options.pskFolder.replaceAll(',', ',,')}`,
          '--tls-creds=tls',
        ]
      : []),
    `--export-name=${options.exportName}`,
    ...(options.description === undefined ? [] : [`--description=${options.description}`]),
    ...image,
  ];
}

/**
 * Starts qemu-nbd in the background; it accepts connections when this returns. It ends with this process, however that ends.
 * @throws SendenseError `nbd.failed` or `disk.full` with what qemu-nbd printed, `source.busy` where another program holds the image, `ports.taken`
 */
export async function serveNbd(options: ServeOptions): Promise<NbdServer> {
  options.signal?.throwIfAborted();
  try {
    return serverOf(await start(options, 'native'), options);
  } catch (error) {
    if (options.readOnly || !/O_DIRECT|aio=native|cache\.direct|AIO context/i.test((error as Error).message))
      throw error;
    return serverOf(await start(options, 'threads'), options);
  }
}

/**
 * glibc gives each 1 MiB request's buffer back to the kernel and gets it anew, page fault by page fault; keeping it halves
 * qemu-nbd's system time (measured, docs/performance.md) and costs some 30 MB of memory.
 */
const allocator = {
  MALLOC_TRIM_THRESHOLD_: String(256 * 1024 * 1024),
  MALLOC_MMAP_THRESHOLD_: String(64 * 1024 * 1024),
};

const startMs = 60_000;

/** @throws what {@link failed} says, `tool.missing`; on abort the signal's reason */
async function start(options: ServeOptions, cache: CacheMode): Promise<ProcessIdentity> {
  const { pidFile, signal } = options;
  // One that was killed left its own there.
  await rm(pidFile, { force: true });
  const { identity, end } = await startServer('qemu-nbd', qemuNbdArgs(options, cache), {
    env: allocator,
    cwd: options.cwd,
    secret: options.image?.secret,
    lastingLog: options.lastingLog,
    // It writes this when it listens.
    isReady: async (pid) => (await readFile(pidFile, 'utf8').catch(() => '')) === `${pid}\n`,
    timeoutMs: startMs,
    signal,
  });
  if (identity) return identity;
  throw failed(options, end);
}

function failed(options: ServeOptions, { exit, said: text }: ServerEnd): SendenseError {
  const said = text.trim() || 'it printed nothing';
  if (/Failed to get (shared )?"[a-z ]+" lock|Is another process using the image/i.test(said)) {
    return new SendenseError('source.busy', `${options.file} is in use by another program: ${said}`);
  }
  if ('port' in options.listen && /Address already in use/i.test(said)) {
    return new SendenseError('ports.taken', `port ${options.listen.port} was taken by another program: ${said}`);
  }
  const message = `qemu-nbd for ${options.file} ${exit}: ${said}`;
  // Of its own pid file it does not say why.
  const isSpace = saysNoSpace(said) || (/pid file/i.test(said) && isFull(dirname(options.pidFile)));
  return new SendenseError(isSpace ? 'disk.full' : 'nbd.failed', message);
}

function uriOf({ listen, exportName, pskFolder }: ServeOptions): string {
  if ('socket' in listen) return unixUri(listen.socket, exportName);
  const { address = '127.0.0.1', port } = listen;
  return pskFolder ? tlsUri(address, port, exportName, pskIdentity) : tcpUri(address, port, exportName);
}

function serverOf(process: ProcessIdentity, options: ServeOptions): NbdServer {
  const uri = uriOf(options);
  const stop: NbdServer['stop'] = async (how = {}) => {
    const outcome = await terminateQemuNbd(process, { graceMs: how.graceMs ?? 60_000, signal: how.signal });
    // qemu-nbd removes its Unix socket and pid file only when it ends well.
    await Promise.all([
      rm(options.pidFile, { force: true }),
      'socket' in options.listen ? rm(options.listen.socket, { force: true }) : undefined,
    ]);
    return outcome;
  };
  return { process, uri, stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

/** The qemu-nbd that wrote a pid file; null: none that is alive. */
export const findByPidFile = (pidFile: string): Promise<ProcessIdentity | null> =>
  processOfPidFile(pidFile, (argv) => argv.includes(`--pid-file=${pidFile}`));

/**
 * qemu-nbd forgets a SIGTERM that comes between the end of its start and its main loop (it sets `state = RUNNING` there;
 * qemu-nbd.c): seen in one of sixty stops right after a start. A second one does no harm.
 */
export const terminateQemuNbd = (
  identity: ProcessIdentity,
  options: Omit<TerminateOptions, 'againMs'> = {},
): Promise<'gone' | 'terminated' | 'killed'> => terminate(identity, { ...options, againMs: 200 });
