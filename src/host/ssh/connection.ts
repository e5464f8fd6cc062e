import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SendenseError } from '../../errors/sendense-error.ts';
import { identityOf, terminate } from '../process-identity.ts';
import { lineSplitter } from './line-splitter.ts';
import { where, type SshServer, type TunnelProgram } from './tunnel-options.ts';

/** A program that makes one connection: all forwards and the session, whose lines are its standard input and output. */
export interface ConnectionProgram {
  readonly name: TunnelProgram;
  readonly file: string;
  readonly args: readonly string[];
  /** What it is told first on its standard input, before the lines for the session. */
  readonly order: string;
  /** What a line of its standard error says about one connection through the tunnel; undefined: nothing, null: it was made. */
  refusalIn(line: string): SendenseError | undefined;
  /** Why it ended, from what it wrote to its standard error. */
  explain(said: readonly string[], exit: string, wasUp: boolean): SendenseError;
}

export interface ConnectionOptions {
  readonly server: SshServer;
  readonly hello: string;
  readonly onLine: (line: string) => void;
  readonly onRefusal: (error: SendenseError) => void;
}

/** One connection, in a process of its own that ends with this one. */
export interface Connection extends AsyncDisposable {
  /** Resolves when the session has answered: every forward stands then. Rejects where it ended before, or is not up in time. */
  readonly up: Promise<void>;
  /** Resolves with why it ended, when its process is gone. */
  readonly ended: Promise<SendenseError>;
}

/** Lines of standard error that are kept for the explanation. */
const keptLines = 60;
/** Name, TCP, keys, login, forwards and session together. */
const upWithinMs = 30_000;

export function startConnection(program: ConnectionProgram, options: ConnectionOptions): Connection {
  const child = startBound(program);
  const identity = child.pid === undefined ? null : identityOf(child.pid);
  const up = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<SendenseError>();
  const said: string[] = [];
  let wasUp = false;
  let late = false;
  up.promise.catch(() => {});
  const stop = async (): Promise<void> => {
    if (identity) await terminate(identity, { graceMs: 3000 });
  };
  const limit = setTimeout(() => {
    late = true;
    void stop();
  }, upWithinMs);
  const end = (error: SendenseError): void => {
    clearTimeout(limit);
    up.reject(error);
    ended.resolve(error);
  };
  // First: without file descriptors it has no streams either, and an error that nobody hears ends the program.
  child.on('error', (cause) =>
    end(new SendenseError('tool.failed', `${program.file} could not be started: ${cause.message}`, { cause })),
  );
  child.stdout.on(
    'data',
    lineSplitter((line) => {
      if (!wasUp) clearTimeout(limit);
      wasUp = true;
      up.resolve();
      options.onLine(line);
    }),
  );
  child.stderr.on(
    'data',
    lineSplitter((line) => {
      const refusal = program.refusalIn(line);
      if (refusal) options.onRefusal(refusal);
      else if (said.push(line) > keptLines) said.shift();
    }),
  );
  // `close` and not `exit`: all that it said has been read then.
  child.on('close', (code, signal) =>
    end(
      late
        ? new SendenseError('ssh.unreachable', `${where(options.server)} was not ready within ${upWithinMs / 1000} s`)
        : program.explain(said, signal ?? String(code), wasUp),
    ),
  );
  child.stdin.on('error', () => {});
  // Never ended while it is wanted: with the session ends the connection.
  child.stdin.write(`${program.order}${options.hello}\n`);
  return {
    up: up.promise,
    ended: ended.promise,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await ended.promise;
    },
  };
}

/**
 * The kernel ends the process with this one, however that ends: an ssh with an open connection outlives a closed pipe. In a
 * session of its own, so that an interrupt from the keyboard does not cut the tunnel while the run still cleans up.
 */
function startBound({ file, args }: ConnectionProgram): ChildProcessWithoutNullStreams {
  const bound = isInstalled('setpriv') ? ['setpriv', '--pdeathsig', 'TERM', '--', file, ...args] : [file, ...args];
  const [first = '', ...rest] = bound;
  return spawn(first, rest, {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
    env: { ...process.env, LC_ALL: 'C' },
  });
}

/** Whether a program is found in PATH. */
export function isInstalled(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
