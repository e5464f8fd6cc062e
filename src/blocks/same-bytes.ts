import { lendBuffer } from '../host/files/spare-buffers.ts';
import type { ByteSource } from './raw-file.ts';

/** The same piece of a disk in two files, all in bytes. */
export interface Pair {
  readonly a: number;
  readonly b: number;
  readonly length: number;
}

/** Compare these pieces of two raw files, absolute paths. */
export interface SameWork {
  readonly a: string;
  readonly b: string;
  readonly pairs: readonly Pair[];
}

type Open = (file: string) => Promise<ByteSource & AsyncDisposable>;

const pieceBytes = 1024 * 1024;

/** Whether all pieces are the same, byte for byte. */
export async function sameBytes({ a, b, pairs }: SameWork, open: Open): Promise<boolean> {
  await using left = await open(a);
  await using right = await open(b);
  using first = lendBuffer(pieceBytes);
  using second = lendBuffer(pieceBytes);
  const [one, other] = [first.buffer, second.buffer];
  for (const pair of pairs) {
    for (let done = 0; done < pair.length;) {
      const length = Math.min(pieceBytes, pair.length - done);
      await left.read(pair.a + done, one.subarray(0, length));
      await right.read(pair.b + done, other.subarray(0, length));
      if (one.compare(other, 0, length, 0, length) !== 0) return false;
      done += length;
    }
  }
  return true;
}

/** Work for a thread at a time: as many bytes, or as many pieces. */
const [shareBytes, sharePieces] = [16 * pieceBytes, 1024];

/** In shares of about the same size; what lies in one line in both files is joined. */
export function sharesOf(pairs: readonly Pair[]): Pair[][] {
  const shares: { a: number; b: number; length: number }[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const { a, b, length } of pairs) {
    if (bytes >= shareBytes || (shares.at(-1)?.length ?? 0) >= sharePieces) {
      shares.push([]);
      bytes = 0;
    }
    const share = shares.at(-1);
    const last = share?.at(-1);
    if (last && last.a + last.length === a && last.b + last.length === b) last.length += length;
    else share?.push({ a, b, length });
    bytes += length;
  }
  return shares;
}
