import { closeSync, constants, openSync, readSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { runTool } from './process.ts';

/**
 * A pipe for a program that says very much. It is emptied at intervals, so that no line wakes anybody: nbdkit's debug
 * messages about 4 GiB come in 300,000 writes, which cost seconds of processor time where each is read as it comes.
 */
export interface LogPipe extends Disposable {
  /** For the program's descriptor; to be closed by `handOver`. */
  readonly writeEnd: number;
  /** To be called once the program has been started: the text ends when the program and all that it started have ended. */
  handOver(): void;
  /** Hands over everything that was written until now, before it returns. */
  catchUp(): void;
  /** The last text has been handed over. */
  readonly over: Promise<void>;
}

/** What fits into the pipe of Linux (64 KiB) comes in more than this time, ms. */
const intervalMs = 10;

/**
 * @param file a path that is free, in a folder of this user alone; gone again when this returns
 * @param onText gets the bytes as text of one character each (latin1)
 */
export async function openLogPipe(
  file: string,
  onText: (text: string) => void,
  signal?: AbortSignal,
): Promise<LogPipe> {
  await runTool('mkfifo', ['-m', '600', file], { signal });
  const ends: number[] = [];
  try {
    // In this order neither waits for the other; a reader that waits would hold up everything here.
    ends.push(openSync(file, constants.O_RDONLY | constants.O_NONBLOCK));
    ends.push(openSync(file, constants.O_WRONLY));
  } catch (error) {
    for (const end of ends) closeSync(end);
    throw error;
  } finally {
    await rm(file, { force: true });
  }
  const [readEnd = -1, writeEnd = -1] = ends;
  const buffer = Buffer.allocUnsafeSlow(64 * 1024);
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let [open, given, reading] = [true, false, false];

  const close = (): void => {
    if (open) closeSync(readEnd);
    open = false;
    clearInterval(timer);
    resolve();
  };
  /** -1 where there is nothing at the moment, or nobody wants more. */
  const next = (): number => (open ? readNow(readEnd, buffer) : -1);
  const catchUp = (): void => {
    // Whoever hears the text may ask for more of it.
    if (reading) return;
    reading = true;
    try {
      let bytes = next();
      for (; bytes > 0; bytes = next()) onText(buffer.toString('latin1', 0, bytes));
      if (bytes === 0) close();
    } finally {
      reading = false;
    }
  };
  const handOver = (): void => {
    if (!given) closeSync(writeEnd);
    given = true;
  };
  const timer = setInterval(catchUp, intervalMs).unref();
  return {
    writeEnd,
    handOver,
    catchUp,
    over,
    [Symbol.dispose]: () => {
      handOver();
      close();
    },
  };
}

/** Bytes; 0 at the end, -1 where there is nothing at the moment. */
function readNow(descriptor: number, buffer: Buffer): number {
  try {
    return readSync(descriptor, buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return -1;
    throw error;
  }
}
