import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { firstLines } from '../first-lines.ts';
import { leftOutBytes } from '../protocol.ts';
import { GuestError } from './guest-error.ts';

export interface Ended {
  readonly status: number | null;
  readonly out: Buffer;
  readonly said: string;
}

const keptBytes = 1024 * 1024;

/** What damage can make endless, such as the replay of a journal, ends after so long; ms. */
const longestMs = 240_000;

/** Runs a program of the guest to its end, or until it has taken too long. A program that is missing has status 127. */
export async function run(file: string, args: readonly string[], input?: string | Buffer): Promise<Ended> {
  const child = spawn(file, args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  let bytes = 0;
  let said = '';
  child.stdout?.on('data', (piece: Buffer) => void ((bytes += piece.length) <= keptBytes && out.push(piece)));
  child.stderr?.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-2000)));
  child.stdin?.on('error', () => undefined).end(input);
  let late: NodeJS.Timeout | undefined;
  const status = await new Promise<number | null>((resolve) => {
    // One that waits in the kernel cannot be killed, and is not waited for.
    late = setTimeout(() => {
      said = `${file} did not end within ${longestMs / 1000} s`;
      child.kill('SIGKILL');
      resolve(null);
    }, longestMs);
    child.once('error', (error) => {
      said = error.message;
      resolve(127);
    });
    child.once('close', resolve);
  });
  clearTimeout(late);
  return { status, out: Buffer.concat(out), said: said.trim().replaceAll(/\s*\n\s*/g, '; ') };
}

/** As {@link run}, for what has to succeed. */
export async function succeed(file: string, args: readonly string[], input?: string | Buffer): Promise<Buffer> {
  const { status, out, said } = await run(file, args, input);
  if (status !== 0) throw new GuestError('internal', `${file} ${args[0] ?? ''} ended with ${status}: ${said}`);
  return out;
}

/** What a program writes, as it comes; ended with SIGKILL where nobody takes it any more, or what it reads fails. */
export async function* outputOf(
  file: string,
  args: readonly string[],
  options: {
    readonly cwd: string;
    feed(input: Writable): Promise<void>;
    done(status: number | null, said: string): void;
  },
): AsyncGenerator<Buffer> {
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd: options.cwd });
  const said = firstLines(leftOutBytes);
  child.stderr.setEncoding('utf8').on('data', said.add);
  const fed = feedTo(child, options.feed);
  fed.catch(() => child.kill('SIGKILL'));
  const closed = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      said.add(error.message);
      resolve(127);
    });
    child.once('close', resolve);
  });
  try {
    for await (const piece of child.stdout as Readable & AsyncIterable<Buffer>) yield piece;
    await fed;
    options.done(await closed, said.all().join('\n'));
  } finally {
    child.kill('SIGKILL');
    await closed;
  }
}

/** One that has ended takes no more, and its status says why. */
async function feedTo(
  { stdin }: { readonly stdin: Writable },
  feed: (input: Writable) => Promise<void>,
): Promise<void> {
  stdin.on('error', () => undefined);
  try {
    await feed(stdin);
    stdin.end();
  } catch (error) {
    if (!['EPIPE', 'ERR_STREAM_DESTROYED'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
