import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import { changedBytes, part } from './hostile.ts';

/** Where a text is cut as it comes over a line: anywhere, also within a character. */
export const cuts: fc.Arbitrary<readonly number[]> = fc.array(part, { maxLength: 5, size: 'max' });

/** @returns the bytes in pieces, in their order */
export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => Math.floor(place * bytes.length)).toSorted((a, b) => a - b), bytes.length];
  return at
    .slice(1)
    .map((end, index) => bytes.subarray(at[index] ?? 0, end))
    .filter((piece) => piece.length > 0);
}

export const streamOf = (bytes: Buffer, places: readonly number[]): Readable =>
  Readable.from(cutAt(bytes, places), { objectMode: false });

/** What is written to it, at its end. */
export function sink(): { readonly output: PassThrough; text(): string } {
  const output = new PassThrough();
  const pieces: Buffer[] = [];
  output.on('data', (piece: Buffer) => pieces.push(piece));
  return { output, text: () => Buffer.concat(pieces).toString('utf8') };
}

/** What a peer says, sometimes with changed bytes, and where it is cut. */
export const inPieces = (talk: fc.Arbitrary<Buffer>): fc.Arbitrary<[Buffer, readonly number[]]> =>
  fc.tuple(
    fc.oneof(
      { weight: 5, arbitrary: talk },
      { weight: 1, arbitrary: talk.chain((bytes) => changedBytes(fc.constant(bytes), 2)) },
    ),
    cuts,
  );
