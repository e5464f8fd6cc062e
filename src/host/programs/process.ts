import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { execa, type ExecaError } from 'execa';
import { saysNoSpace } from '../../errors/no-space.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { boundWords } from './bound-words.ts';
import { packageOfTool } from './known-tools.ts';
import { openSecret } from '../images/secret-descriptor.ts';

export interface RunToolOptions {
  readonly signal?: AbortSignal | undefined;
  /** Added to our own environment, where LC_ALL is C because messages are read. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  readonly timeoutMs?: number;
  /** Standard output line by line; it is not kept then. What it throws is thrown when the program has ended. */
  readonly onStdoutLine?: ((line: string) => void) | undefined;
  /** Standard output as it comes, for programs that draw with carriage returns; it is not kept then. */
  readonly onStdoutText?: ((text: string) => void) | undefined;
  /** Lines that the program writes to descriptor 3. */
  readonly onPipeLine?: ((line: string) => void) | undefined;
  /** Any exit code is an answer, not an error. */
  readonly allowFailure?: boolean;
  /** What the program reads as /dev/fd/3, never by argument or environment; not together with `onPipeLine`. */
  readonly secret?: string | undefined;
}

export interface ToolResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Characters of output that are kept; a program that writes more is stopped. */
const maxOutput = 16 * 1024 * 1024;

/** A process that a program left behind may hold its pipes; ms without output after the end until nobody waits for more. */
const quietMs = 1000;

/**
 * Runs a program to its end. No shell reads its words. On abort the program gets SIGTERM and 5 s later SIGKILL. It ends with this process,
 * however that ends.
 * @throws SendenseError `tool.missing`, `tool.failed`, `disk.full`; on abort the signal's reason
 */
export async function runTool(
  file: string,
  args: readonly string[],
  options: RunToolOptions = {},
): Promise<ToolResult> {
  options.signal?.throwIfAborted();
  const secret = options.secret === undefined ? null : openSecret(options.secret);
  try {
    return await runOpened(file, args, options, secret);
  } finally {
    if (secret !== null) closeSync(secret);
  }
}

async function runOpened(
  file: string,
  args: readonly string[],
  options: RunToolOptions,
  secret: number | null,
): Promise<ToolResult> {
  const [program, ...words] = boundWords(file, args, {
    path: options.env?.['PATH'] ?? process.env['PATH'],
    cwd: options.cwd,
  });
  const child = execa(program, words, {
    env: { LC_ALL: 'C', ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.signal ? { cancelSignal: options.signal } : {}),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    // A descriptor of ours becomes the child's number 3; execa's types know only some numbers.
    stdio: [
      options.input === undefined ? 'ignore' : 'pipe',
      'pipe',
      'pipe',
      ...(options.onPipeLine ? ['pipe' as const] : secret === null ? [] : [secret as 3]),
    ],
    buffer: {
      stdout: !options.onStdoutLine && !options.onStdoutText,
      ...(options.onPipeLine ? { fd3: false } : {}),
    },
    forceKillAfterDelay: 5000,
    maxBuffer: maxOutput,
    reject: false,
    stripFinalNewline: true,
  });
  const outputs = [child.stdout, child.stderr, options.onPipeLine ? child.stdio[3] : null].filter(
    (stream) => stream != null,
  ) as Readable[];
  if (options.onStdoutText) child.stdout.setEncoding('utf8').on('data', options.onStdoutText);
  const readers = [
    options.onStdoutLine && eachLine(child.stdout, options.onStdoutLine),
    options.onPipeLine && eachLine(child.stdio[3] as unknown as Readable, options.onPipeLine),
  ];
  void letGo(child.nodeChildProcess, outputs);
  const result = await child;
  const faults = readers.map((ended) => ended?.()).filter((fault) => fault != null);
  const stdout = textOf(result.stdout);
  const stderr = textOf(result.stderr);
  if (result.failed) {
    const failure = result as unknown as ExecaError;
    if (failure.isCanceled) throw options.signal?.reason ?? new SendenseError('run.cancelled', `${file} was cancelled`);
    if (!(failure.exitCode !== undefined && options.allowFailure && !failure.isMaxBuffer))
      throw failed(file, args, failure, options, stderr || stdout);
  }
  if (faults.length > 0) throw faults[0]?.error;
  return { stdout, stderr, exitCode: result.exitCode ?? 0 };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Closes our ends of the pipes of a program that has ended, once they are quiet. */
export async function letGo(
  child: { exitCode: number | null; signalCode: string | null } & NodeJS.EventEmitter,
  streams: readonly Readable[],
): Promise<void> {
  await once(child, 'exit').catch(() => null);
  const read = (): number =>
    streams.reduce((sum, stream) => sum + ((stream as { bytesRead?: number }).bytesRead ?? 0), 0);
  for (let before = -1; streams.some((stream) => !stream.closed) && read() !== before;) {
    before = read();
    await delay(quietMs, undefined, { ref: false });
    // A busy event loop must not look like a quiet program: what is in the pipes is read first.
    await turn();
    await turn();
  }
  for (const stream of streams) stream.destroy();
}

/**
 * Tells of each line as it comes; a map of a disk has millions, so without a promise for each.
 * @returns to be called at the end: tells of a last line that is none, and answers what the listener threw
 */
function eachLine(stream: Readable, onLine: (line: string) => void): () => { error: unknown } | null {
  let rest = '';
  let fault: { error: unknown } | null = null;
  const tell = (line: string): void => {
    try {
      if (!fault) onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
    } catch (error) {
      fault = { error };
    }
  };
  stream.setEncoding('utf8').on('data', (text: string) => {
    const end = text.lastIndexOf('\n');
    if (end >= 0) for (const line of (rest + text.slice(0, end)).split('\n')) tell(line);
    rest = end < 0 ? rest + text : text.slice(end + 1);
  });
  return () => {
    if (rest !== '') tell(rest);
    return fault;
  };
}

function failed(
  file: string,
  args: readonly string[],
  failure: ExecaError,
  options: RunToolOptions,
  said: string,
): SendenseError {
  const name = [file, args[0]?.startsWith('-') ? '' : (args[0] ?? '')].join(' ').trim();
  const original = failure.originalMessage ?? failure.shortMessage;
  if (failure.code === 'ENOENT' && !/"cwd" option/.test(original)) return missing(file, failure);
  const what = failure.timedOut
    ? `took longer than ${options.timeoutMs} ms`
    : failure.isMaxBuffer
      ? `printed more than ${maxOutput} characters`
      : failure.signal
        ? `was killed by ${failure.signal}`
        : failure.exitCode === undefined
          ? `could not be started: ${original.split('\n')[0]}`
          : `ended with ${failure.exitCode}`;
  const message = `${name} ${what}${said ? `: ${tail(said)}` : ''}`;
  if (saysNoSpace(said)) return new SendenseError('disk.full', message, { cause: failure });
  return new SendenseError('tool.failed', message, { cause: failure });
}

export function missing(file: string, cause: unknown): SendenseError {
  const debian = packageOfTool(file);
  if (debian === undefined)
    return new SendenseError('tool.missing', `${file} was not found`, {
      cause,
      remedy: `Install ${file}, or correct its path.`,
    });
  return new SendenseError('tool.missing', `${file} is not installed (Debian package ${debian})`, {
    cause,
    remedy: `apt-get install ${debian}`,
  });
}

/** The end of what a program said: its last 20 lines, at most 4000 characters. */
export const tail = (text: string): string => text.trim().split('\n').slice(-20).join('\n').slice(-4000);
