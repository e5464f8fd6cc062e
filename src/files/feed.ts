import type { Readable, Writable } from 'node:stream';

/** What is behind the end of an archive is the rest of a record, and is read though nobody takes it; bytes. */
const mostBehind = 4 * 1024 * 1024;

/**
 * Writes a stream to what takes it, and reads it to its end, also where that went away a little before: how a stream ended, and what
 * comes behind it, is known only there. The caller ends the output.
 * @param output errors of it are no failure
 * @param written called with each piece when it is
 * @returns false where it went away, and much was left
 */
export async function feed(stream: Readable, output: Writable, written?: (piece: Buffer) => void): Promise<boolean> {
  let behind = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    const { length } = piece;
    const isTaken = await new Promise<boolean>((resolve) => output.write(piece, (error) => resolve(!error)));
    written?.(piece);
    if (!isTaken && (behind += length) > mostBehind) return false;
  }
  return true;
}
