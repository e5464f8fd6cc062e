import type { Readable } from 'node:stream';

/** First window of a file, and the largest, bytes: one who reads on gets larger ones. */
const firstWindow = 128 * 1024;
const largestWindow = 32 * 1024 * 1024;
/** What was read is kept for so long a way back, bytes: readers ask out of order. */
const keptBytes = 1024 * 1024;

/** Reads pieces of a file by asking for windows of it, of which one is open at a time. */
export interface WindowReader {
  /** Less than `length` only at the end. Calls are answered in their order. */
  read(offset: number, length: number): Promise<Buffer>;
  close(): void;
}

/** @param open the bytes from `from`, up to and without `to` */
export function windowReader(size: number, open: (from: number, to: number) => Promise<Readable>): WindowReader {
  let stream: Readable | null = null;
  let pieces: AsyncIterator<Buffer, undefined> | null = null;
  /** What is kept, and where it begins; `end` of the window. */
  let kept: Buffer = Buffer.alloc(0);
  let from = 0;
  let end = 0;
  let window = firstWindow;
  let before: Promise<unknown> = Promise.resolve();
  let closed = false;
  const drop = (): void => {
    stream?.destroy();
    [stream, pieces] = [null, null];
  };
  const begin = async (offset: number, length: number): Promise<void> => {
    const goesOn = offset === end && offset > 0;
    window = goesOn ? Math.min(window * 8, largestWindow) : firstWindow;
    if (!goesOn) [kept, from] = [Buffer.alloc(0), offset];
    drop();
    end = Math.min(size, offset + Math.max(window, length));
    stream = await open(offset, end);
    // What goes wrong is heard of by whoever takes the next piece.
    stream.on('error', () => undefined);
    pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  };
  const more = async (): Promise<boolean> => {
    const { value, done } = (await pieces?.next()) ?? { value: undefined, done: true };
    if (done === true || value === undefined) return false;
    const behind = Math.max(0, kept.length - keptBytes);
    kept = Buffer.concat([kept.subarray(behind), value]);
    from += behind;
    return true;
  };
  const readNow = async (offset: number, length: number): Promise<Buffer> => {
    const to = Math.min(size, offset + length);
    if (offset >= to) return Buffer.alloc(0);
    for (;;) {
      if (closed) throw new Error('the file was closed');
      const reached = from + kept.length;
      if (offset >= from && to <= reached) return Buffer.from(kept.subarray(offset - from, to - from));
      const isInWindow = pieces !== null && offset >= from && offset <= reached + keptBytes && reached < end;
      if (isInWindow) {
        if (!(await more())) throw new Error('the answer was cut off');
      } else if (offset >= from && offset <= reached && reached === end) await begin(reached, to - reached);
      else await begin(offset, to - offset);
    }
  };
  return {
    read(offset, length) {
      const answer = before.then(() => readNow(offset, length));
      before = answer.catch(drop);
      return answer;
    },
    close() {
      closed = true;
      drop();
    },
  };
}
