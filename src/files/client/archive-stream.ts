import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { SendenseError } from '../../errors/sendense-error.ts';
import { PartsReader, type ArchivePart } from '../archive/parts.ts';
import { giveBack, PutTogether } from '../archive/put-together.ts';
import { openStored } from '../reader/stored-files.ts';
import { leftOutTrailer, linesOfTrailer } from './wire.ts';

/** A tar archive that comes. */
export interface ArchiveStream {
  /** Pieces, each of which is given back when it is written. */
  readonly stream: Readable;
  giveBack(piece: Buffer): void;
  /** What `tar` said of files that are not in it, a line each; known when it has ended. */
  leftOut(): string[];
}

/**
 * What lies in the files of a restore point counts once the restore point is known to be open still. So often that is asked, bytes and ms:
 * each time it stays open for another while, for nobody else knows that it is read.
 */
export const sure = { bytes: 256 * 1024 * 1024, ms: 10_000 };

/** The end of the archive comes when all of it is known to be right: so many pieces are held back. `tar` ends with less than one. */
const heldBack = 2;

/**
 * An archive that comes in parts: what lies in files of the restore point is read from there.
 * @param stayOpen fails where the restore point is no longer open
 */
export function archiveStream(answer: IncomingMessage, stayOpen: () => Promise<void>): ArchiveStream {
  const stream = new PassThrough({ objectMode: true, highWaterMark: heldBack });
  const gone = new AbortController();
  stream.once('close', () => {
    gone.abort();
    answer.destroy();
  });
  const hand = async (piece: Buffer): Promise<void> => {
    if (!stream.write(piece)) await once(stream, 'drain', { signal: gone.signal });
  };
  putTogether(answer, { stayOpen, hand, signal: gone.signal }).then(
    () => stream.end(),
    (error: unknown) => stream.destroy(error as Error),
  );
  return { stream, giveBack, leftOut: () => linesOfTrailer(answer.trailers[leftOutTrailer]) };
}

interface Takes {
  stayOpen(): Promise<void>;
  hand(piece: Buffer): Promise<void>;
  readonly signal: AbortSignal;
}

async function putTogether(answer: IncomingMessage, { stayOpen, hand, signal }: Takes): Promise<void> {
  await using stored = openStored();
  const files: string[] = [];
  const held: Buffer[] = [];
  let known = { bytes: 0, time: performance.now() };
  const confirm = async (): Promise<void> => {
    await stayOpen();
    known = { bytes: 0, time: performance.now() };
  };
  const made = new PutTogether({
    signal,
    givenBack: true,
    read: (from, offset, target) => stored.read({ file: files[from] ?? '', offset }, target),
    async onBytes(piece) {
      known.bytes += piece.length;
      if (known.bytes >= sure.bytes || performance.now() - known.time >= sure.ms) await confirm();
      held.push(piece);
      const ready = held.length > heldBack ? held.shift() : undefined;
      if (ready) await hand(ready);
    },
  });
  const parts = new PartsReader();
  try {
    for await (const piece of answer as AsyncIterable<Buffer>)
      for (const part of parts.add(piece)) await take(part, made, files);
    parts.end();
    await made.end();
    if (files.length > 0) await confirm();
    for (const piece of held) await hand(piece);
  } finally {
    await made.settle();
  }
}

async function take(part: ArchivePart, made: PutTogether, files: string[]): Promise<void> {
  if (Buffer.isBuffer(part)) return await made.bytes(part);
  if ('file' in part) return void files.push(part.file);
  for (const entry of part) {
    if (entry.content.some(([, , from]) => from === null || from >= files.length))
      throw new SendenseError('files.reader', 'content lies in a file that nobody named');
    await made.entry(entry);
  }
}
