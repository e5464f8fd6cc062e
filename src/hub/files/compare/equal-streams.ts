import type { Readable } from 'node:stream';

/** Keeps no more than what one stream is ahead of the other. */
export async function equalStreams(a: Readable, b: Readable): Promise<boolean> {
  const [one, other] = [a[Symbol.asyncIterator](), b[Symbol.asyncIterator]()];
  let [left, right] = [Buffer.alloc(0) as Buffer, Buffer.alloc(0) as Buffer];
  for (;;) {
    if (left.length === 0) left = (((await one.next()) as IteratorResult<Buffer, undefined>).value ?? ended) as Buffer;
    if (right.length === 0)
      right = (((await other.next()) as IteratorResult<Buffer, undefined>).value ?? ended) as Buffer;
    if (left === ended || right === ended) return left === right;
    const length = Math.min(left.length, right.length);
    if (left.compare(right, 0, length, 0, length) !== 0) return false;
    [left, right] = [left.subarray(length), right.subarray(length)];
  }
}

const ended = Buffer.from('ended');
