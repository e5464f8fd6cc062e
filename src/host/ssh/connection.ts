import type { Socket } from 'node:net';
import { SendenseError } from '../../errors/sendense-error.ts';
import { identityOf, terminate } from '../programs/process-identity.ts';
import { spawnBound } from '../programs/spawn-bound.ts';
import { lineSplitter } from './line-splitter.ts';
import { where, type SshServer, type TunnelProgram } from './tunnel-options.ts';

/**
 * A program that makes one connection: all forwards and the session, whose lines are its standard input and output. Where
 * it gets its connection from us, that is both, and there is no session.
 */
export interface ConnectionProgram {
  readonly name: TunnelProgram;
  readonly file: string;
  readonly args: readonly string[];
  /** What it is told first on its standard input, before the lines for the session. */
  readonly order: string;
  /** The line of its standard error that says that it is up, where it has no session to say so. */
  readonly upLine?: string;
  /** What a line of its standard error says about one connection through the tunnel; undefined: nothing, null: it was made. */
  refusalIn(line: string): SendenseError | undefined;
  /** Why it ended, from what it wrote to its standard error. */
  explain(said: readonly string[], exit: string, wasUp: boolean): SendenseError;
}

export interface ConnectionOptions {
  readonly server: SshServer;
  /** The connection that it is to use, from now on its own. */
  readonly socket?: Socket | undefined;
  readonly hello: string;
  readonly onLine: (line: string) => void;
  readonly onRefusal: (error: SendenseError) => void;
}

/** One connection, in a process of its own that ends with this one. */
export interface Connection extends AsyncDisposable {
  /** Resolves when the session has answered: every forward stands then. Rejects where it ended before, or is not up in time. */
  readonly up: Promise<void>;
  /** Writes a line into the session. */
  say(line: string): void;
  /** Resolves with why it ended, when its process is gone. */
  readonly ended: Promise<SendenseError>;
}

/** Lines of standard error that are kept for the explanation. */
const keptLines = 60;
/** Name, TCP, keys, login, forwards and session together. */
const upWithinMs = 30_000;

export function startConnection(program: ConnectionProgram, options: ConnectionOptions): Connection {
  const { socket } = options;
  const child = spawnBound(program.file, program.args, {
    stdio: [socket ?? 'pipe', socket ?? 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', SHELL: '/bin/sh' },
  });
  // The process has its own handle of it, and the other end must see when that is closed.
  socket?.destroy();
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
  const isUp = (): void => {
    if (!wasUp) clearTimeout(limit);
    wasUp = true;
    up.resolve();
  };
  child.stdout?.on(
    'data',
    lineSplitter((line) => {
      isUp();
      options.onLine(line);
    }),
  );
  child.stderr?.on(
    'data',
    lineSplitter((line) => {
      if (line === program.upLine) return isUp();
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
  child.stdin?.on('error', () => {});
  const say = (line: string): void => void child.stdin?.write(`${line}\n`);
  // Never ended while it is wanted: with the session ends the connection.
  say(`${program.order}${options.hello}`);
  return {
    up: up.promise,
    say,
    ended: ended.promise,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await ended.promise;
    },
  };
}
