import type { Readable } from 'node:stream';
import { bounded, type Bounds } from './bounded.ts';
import type { WindowTurns } from './window-turns.ts';

/** First window of a file, and the largest, bytes: one who reads on gets larger ones. */
const firstWindow = 128 * 1024;
const largestWindow = 32 * 1024 * 1024;
/** What was read is kept for so long a way back, bytes: readers ask out of order. */
const keptBytes = 1024 * 1024;
/** So many windows in a row may break off before their first byte. */
const mostBroken = 2;

/** Reads pieces of a file by asking for windows of it, of which one is open at a time. */
export interface WindowReader {
  /** Less than `length` only at the end. Calls are answered in their order. */
  read(offset: number, length: number): Promise<Buffer>;
  close(): void;
}

interface WindowOptions {
  readonly size: number;
  readonly bounds: Bounds;
  readonly turns: WindowTurns;
  /** The bytes from `from`, up to and without `to`. */
  open(from: number, to: number): Promise<Readable>;
}

export function windowReader({ size, bounds, turns, open }: WindowOptions): WindowReader {
  let stream: Readable | null = null;
  let pieces: AsyncIterator<Buffer, undefined> | null = null;
  /** What is kept, and where it begins; `end` of the window. */
  let kept: Buffer = Buffer.alloc(0);
  let from = 0;
  let end = 0;
  let window = firstWindow;
  let before: Promise<unknown> = Promise.resolve();
  let closed = false;
  /** When the last read ended; null: one goes on. */
  let ended: number | null = 0;
  let broken = 0;
  /** The next window goes on where this one was left. */
  const drop = (): void => {
    stream?.destroy();
    [stream, pieces] = [null, null];
    end = from + kept.length;
  };
  const assertOpen = (): void => {
    if (closed) throw new Error('the file was closed');
  };
  const holder = { idleMs: () => (ended === null ? null : performance.now() - ended), drop };
  const begin = async (offset: number, length: number): Promise<void> => {
    const goesOn = offset === end && offset > 0;
    window = goesOn ? Math.min(window * 8, largestWindow) : firstWindow;
    if (!goesOn) [kept, from] = [Buffer.alloc(0), offset];
    drop();
    await turns.take(holder);
    assertOpen();
    const to = Math.min(size, offset + Math.max(window, length));
    stream = await open(offset, to);
    end = to;
    // What goes wrong is heard of by whoever takes the next piece.
    stream.on('error', () => undefined);
    assertOpen();
    pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  };
  const more = async (): Promise<boolean> => {
    const { value, done } = await bounded(
      bounds,
      async () => (await pieces?.next()) ?? { value: undefined, done: true as const },
    );
    if (done === true || value === undefined) return false;
    const behind = Math.max(0, kept.length - keptBytes);
    kept = Buffer.concat([kept.subarray(behind), value]);
    from += behind;
    return true;
  };
  /** What broke off, the hub may have begun again: then the rest is there to be had. */
  const goOn = async (): Promise<void> => {
    try {
      if (!(await more())) throw new Error('the answer was cut off');
      broken = 0;
    } catch (error) {
      if (bounds.signal.aborted || ++broken > mostBroken) throw error;
      drop();
    }
  };
  const readNow = async (offset: number, length: number): Promise<Buffer> => {
    const to = Math.min(size, offset + length);
    if (offset >= to) return Buffer.alloc(0);
    for (;;) {
      assertOpen();
      const reached = from + kept.length;
      if (offset >= from && to <= reached) return Buffer.from(kept.subarray(offset - from, to - from));
      const isInWindow = pieces !== null && offset >= from && offset <= reached + keptBytes && reached < end;
      if (isInWindow) await goOn();
      else if (offset >= from && offset <= reached && reached === end) await begin(reached, to - reached);
      else await begin(offset, to - offset);
    }
  };
  const read = async (offset: number, length: number): Promise<Buffer> => {
    ended = null;
    try {
      return await readNow(offset, length);
    } catch (error) {
      drop();
      turns.leave(holder);
      broken = 0;
      throw error;
    } finally {
      ended = performance.now();
      turns.rest();
    }
  };
  return {
    read(offset, length) {
      const answer = before.then(() => read(offset, length));
      before = answer.catch(() => undefined);
      return answer;
    },
    close() {
      closed = true;
      drop();
      turns.leave(holder);
    },
  };
}
