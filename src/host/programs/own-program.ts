import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { ProcessIdentity } from '../../schemas/types.ts';
import { isRunning, identityOf } from './process-identity.ts';
import { tail } from './process.ts';
import { ownEnvironment } from '../system/secret.ts';

export interface OwnProgram {
  /** Of standard output; empty where it ended and said nothing. Never rejects. */
  readonly firstLine: Promise<string>;
  /** Never rejects. */
  readonly ended: Promise<OwnProgramEnd>;
  /** Sends SIGTERM, unless it has ended. */
  terminate(): void;
}

export interface OwnProgramEnd {
  /** Null where a signal ended it, or it could not be started. */
  readonly exitCode: number | null;
  /** Of standard output; empty where it said nothing. */
  readonly lastLine: string;
  /** The end of standard error, or why it could not be started. */
  readonly said: string;
}

/** Characters of standard error that are kept. */
const most = 8192;

/**
 * Starts a program, in practice this one, in a session of its own: what a terminal sends to us does not reach it, and it
 * outlives us if need be.
 * @param options.env variables beside those of this process
 * @param options.input what it reads from standard input: what nobody else may see, or what is too long for a command line
 */
export function startOwnProgram(
  [file = '', ...args]: readonly string[],
  options: {
    readonly cwd: string;
    readonly input?: string | undefined;
    readonly env?: Readonly<Record<string, string>>;
  },
): OwnProgram {
  const child = spawn(file, args, {
    cwd: options.cwd,
    // What we have read of it, it has to read as well.
    env: { ...ownEnvironment(), ...options.env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // One that ends before it has read all says itself why.
  child.stdin.on('error', () => {}).end(options.input ?? '');
  let lastLine = '';
  let said = '';
  const { promise: firstLine, resolve: begin } = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    begin(line);
    lastLine = line;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-most)));
  const identity = child.pid === undefined ? null : identityOf(child.pid);
  const ended = new Promise<OwnProgramEnd>((resolve) => {
    child.once('error', (error) => resolve({ exitCode: null, lastLine: '', said: notStarted(error, options.cwd) }));
    child.once('close', (exitCode) => resolve({ exitCode, lastLine, said: tail(said) }));
  });
  void ended.then(() => begin(''));
  return { firstLine, ended, terminate: () => void (identity && askToEnd(identity)) };
}

/** A folder that is gone is told by spawn as a program that is gone. */
const notStarted = ({ message }: Error, folder: string): string =>
  existsSync(folder) ? message : `the folder ${folder} is not there`;

/** Sends SIGTERM to a process, unless it has ended. */
export function askToEnd(identity: ProcessIdentity): void {
  if (!isRunning(identity)) return;
  try {
    process.kill(identity.pid, 'SIGTERM');
  } catch (error) {
    // Ended meanwhile, or another user's: it goes on, and what waits for it waits.
    if (!['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
