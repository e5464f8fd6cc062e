import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SendenseError } from '../../errors/sendense-error.ts';
import { boundWords } from '../programs/bound-words.ts';
import { nothingToKill, watcherOn } from '../programs/group-watcher.ts';
import { unixUri, parseNbdUri } from './nbd-uri.ts';
import { openLogPipe } from '../programs/log-pipe.ts';
import { identityOf, terminate } from '../programs/process-identity.ts';
import { tail } from '../programs/process.ts';
import type { NbdServer } from './qemu-nbd.ts';

export interface ExtentListOptions {
  /** NBD URI of the export to be narrowed. */
  readonly source: string;
  /** Bytes; everything outside reads as a hole. */
  readonly extents: readonly { readonly offset: number; readonly length: number }[];
  /** A fresh folder of the job: nbdkit leaves a stale socket behind when it is killed. */
  readonly directory: string;
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
}

export interface NbdkitOptions {
  /** Filters, plugin and parameters. They are visible to every user of the machine: no secret belongs here. */
  readonly args: readonly string[];
  /** Path of the Unix socket; what is there is removed. The pid file is beside it. */
  readonly socket: string;
  /** Clients can write. Default: they cannot, whatever the plugin could do. */
  readonly writable?: boolean | undefined;
  /** The first text can be read from descriptor 3, the second from 4, … (`password=-3`). This is how secrets get in. */
  readonly pipes?: readonly string[];
  /** Added to our own environment, where LC_ALL is C; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What nbdkit says while it runs, line by line. */
  readonly onStderrLine?: ((line: string) => void) | undefined;
  /** It says a lot (`--verbose`): it is heard every few milliseconds only, and when `catchUp` is called. */
  readonly talkative?: boolean | undefined;
  /** Hears of each request that writes, as it begins: how many bytes it is about. */
  readonly onWrite?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The error for an nbdkit that did not start, from what it said. Default: `nbd.failed` with the end of that. */
  readonly describeFailure?: ((said: string) => SendenseError) | undefined;
}

export interface NbdkitServer extends NbdServer {
  /** Where it is talkative: `onStderrLine` gets all that was said until now, before this returns. */
  catchUp(): void;
  /** Resolves when `onStderrLine` got the last line; nbdkit has ended then. */
  readonly silent: Promise<void>;
}

/**
 * An export that shows only some areas of another one as data, so that nbdcopy copies just these.
 * nbdkit ends with this process, however that ends.
 * @throws SendenseError `nbd.failed` with what nbdkit printed, `tool.missing`
 */
export async function serveExtentList(options: ExtentListOptions): Promise<NbdServer> {
  const list = join(options.directory, `${options.name}.extents`);
  const socket = join(options.directory, `${options.name}.sock`);
  await writeFile(list, options.extents.map((extent) => `${extent.offset} ${extent.length}\n`).join(''), {
    mode: 0o600,
  });
  return serveNbdkit({
    args: ['--filter=extentlist', 'nbd', ...nbdPluginArgs(options.source), 'shared=false', `extentlist=${list}`],
    socket,
    signal: options.signal,
  });
}

function nbdPluginArgs(uri: string): string[] {
  const address = parseNbdUri(uri);
  if (!address) throw new SendenseError('run.internal', `not an NBD address: ${uri}`);
  const where =
    address.kind === 'unix' ? [`socket=${address.socket}`] : [`hostname=${address.host}`, `port=${address.port}`];
  return [...where, `export=${address.exportName}`];
}

/**
 * Starts nbdkit on a Unix socket; it accepts connections when this returns. It ends with this process, however
 * that ends: by SIGTERM, so that a plugin can close what it opened, and soon after by SIGKILL, because one may hang on its server.
 * @throws SendenseError `nbd.failed` or what `describeFailure` makes of it, `tool.missing`; on abort the signal's reason
 */
export async function serveNbdkit(options: NbdkitOptions): Promise<NbdkitServer> {
  const { args, socket, signal } = options;
  signal?.throwIfAborted();
  const pidFile = `${socket}.pid`;
  const clear = async () => void (await Promise.all([socket, pidFile].map((file) => rm(file, { force: true }))));
  await clear();
  const said = listen(options.onStderrLine);
  const log = options.talkative ? await openLogPipe(`${socket}.log`, said.hear, signal) : null;
  const writes = options.onWrite ? await openLogPipe(`${socket}.writes`, writesIn(options.onWrite), signal) : null;
  // What stands before all other filters sees what the client asks for.
  const [filter, file] = writes ? [['--filter=log'], ['logfile=/dev/fd/1']] : [[], []];
  const child = start([`--unix=${socket}`, `--pidfile=${pidFile}`, ...filter, ...args, ...file], options, {
    stdout: writes?.writeEnd ?? 'ignore',
    stderr: log?.writeEnd ?? 'pipe',
  });
  log?.handOver();
  writes?.handOver();
  child.stderr?.setEncoding('utf8').on('data', said.hear);
  const silent = log?.over ?? untilClosed(child.stderr);
  giveSecrets(child, options.pipes ?? []);
  const describe = options.describeFailure ?? ((text) => new SendenseError('nbd.failed', `nbdkit ended: ${text}`));
  const ended = once(child, 'exit').then(
    async () => {
      // Something that nbdkit started may hold the pipe open for longer.
      await Promise.race([silent, delay(500)]);
      return describe(tail(said.last()) || 'it printed nothing');
    },
    (error: NodeJS.ErrnoException) =>
      error.code === 'ENOENT'
        ? new SendenseError('tool.missing', 'nbdkit is not installed (Debian package nbdkit)', { cause: error })
        : new SendenseError('nbd.failed', `nbdkit could not be started: ${error.message}`, { cause: error }),
  );
  const settled = new AbortController();
  const waiting = untilReady(pidFile, 20_000, AbortSignal.any([settled.signal, ...(signal ? [signal] : [])]));
  const failure = await Promise.race([ended, waiting]);
  settled.abort();
  if (failure) {
    child.kill('SIGKILL');
    await ended;
    log?.[Symbol.dispose]();
    writes?.[Symbol.dispose]();
    await clear();
    throw failure;
  }
  const identity = identityOf(child.pid ?? -1);
  if (!identity) throw await ended;
  const stop: NbdServer['stop'] = async (how = {}) => {
    const outcome = await terminate(identity, { graceMs: how.graceMs ?? 10_000, signal: how.signal });
    await clear();
    return outcome;
  };
  return {
    process: identity,
    uri: unixUri(socket, ''),
    stop,
    catchUp: () => log?.catchUp(),
    silent,
    [Symbol.asyncDispose]: async () => {
      await stop();
      log?.[Symbol.dispose]();
      writes?.[Symbol.dispose]();
    },
  };
}

/** From the end of this process to SIGKILL, s. */
const orphanGrace = 5;

function start(
  args: readonly string[],
  { pipes = [], env: more, writable = false }: Pick<NbdkitOptions, 'pipes' | 'env' | 'writable'>,
  { stdout, stderr }: { readonly stdout: number | 'ignore'; readonly stderr: number | 'pipe' },
): ChildProcess {
  const env: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C', ...more };
  const watched = 3 + pipes.length;
  const others = [...pipes.keys()].map((index) => 3 + index);
  const how = { path: env['PATH'], signal: 'TERM', first: watcherOn(watched, { grace: orphanGrace, others }) } as const;
  const own = [...(writable ? [] : ['--readonly']), '--foreground', '--exit-with-parent', ...args];
  const [program, ...words] = boundWords('nbdkit', own, how);
  const child = spawn(program, words, {
    // The watcher ends its group.
    detached: true,
    stdio: ['ignore', stdout, stderr, ...pipes.map(() => 'pipe' as const), 'pipe'],
    env,
  });
  const watcher = child.stdio[watched] as Socket | null | undefined;
  watcher?.on('error', () => {}).resume();
  child.once('exit', () => watcher?.end(nothingToKill));
  return child;
}

/** What a request came to is another line. Source: nbdkit-log-filter(1), LOG FILE FORMAT. */
const writesIn = (onWrite: (bytes: number) => void): ((text: string) => void) =>
  listen((line) => {
    const bytes = / connection=\d+ (?:Write|Zero) .*\bcount=(0x[0-9a-f]+)/.exec(line)?.[1];
    if (bytes !== undefined) onWrite(Number(bytes));
  }).hear;

/** Cuts what is said into lines, and keeps the end of it. */
function listen(onLine: ((line: string) => void) | undefined): { hear(text: string): void; last(): string } {
  let said = '';
  let line = '';
  return {
    hear: (text) => {
      said = (said + text).slice(-8192);
      const lines = (line + text).split('\n');
      line = (lines.pop() ?? '').slice(-8192);
      for (const one of lines) if (one.trim() !== '') onLine?.(one);
    },
    last: () => said,
  };
}

async function untilClosed(stderr: Readable | null): Promise<void> {
  if (stderr) await once(stderr, 'close').catch(() => null);
}

function giveSecrets(child: ChildProcess, texts: readonly string[]): void {
  for (const [index, text] of texts.entries()) {
    const pipe = child.stdio[3 + index] as Duplex | null | undefined;
    // A plugin that ends, or never asks, leaves the pipe unread: its end is told elsewhere.
    pipe?.on('error', () => {});
    pipe?.end(text);
  }
}

/** nbdkit writes its pid file once it accepts connections; its socket is there a moment before, and refuses them. */
async function untilReady(pidFile: string, ms: number, signal: AbortSignal): Promise<SendenseError | Error | null> {
  const end = performance.now() + ms;
  for (let pause = 1; performance.now() < end; pause = Math.min(pause * 2, 20)) {
    if (signal.aborted) return signal.reason as Error;
    if ((await readFile(pidFile, 'utf8').catch(() => '')).endsWith('\n')) return null;
    await delay(pause);
  }
  return new SendenseError('nbd.failed', `nbdkit was not ready after ${ms} ms`);
}
