import type { FileHandle } from 'node:fs/promises';
import { isNoSpace } from '../../errors/no-space.ts';
import { SendenseError } from '../../errors/sendense-error.ts';
import { lendBuffer } from '../../host/files/spare-buffers.ts';
import { mostRequestBytes, requestsOf } from '../reader/content.ts';
import type { Place } from '../reader/places.ts';
import { openStored } from '../reader/stored-files.ts';
import type { RestorePlaces } from '../../schemas/types.ts';
import type { FilePlace, FilesClient } from '../client/files-client.ts';
import { sure } from '../client/archive-stream.ts';
import { cutOff } from '../client/cut-off.ts';

/** Where the content goes, and how much of it is there. */
export interface Copy {
  readonly file: FileHandle;
  readonly from: number;
  readonly signal: AbortSignal;
  onBytes(bytes: number): void;
}

/**
 * Copies the content of a file to one that has its first `from` bytes already. It grows in order, so that what is there counts when the
 * copy is cut off.
 * @throws SendenseError `disk.full`, `files.reader`, `file.unreadable`
 */
export async function copyContent(
  client: FilesClient,
  place: FilePlace,
  { etag, size, files, places }: RestorePlaces,
  copy: Copy,
): Promise<void> {
  try {
    if (copy.from === size && size > 0) return;
    if (places === null) return await copyStream(client, place, { etag, size }, copy);
    const found = places.map(({ at, length, file, offset }): Place => ({
      at,
      length,
      from: { kind: 'file', file: files[file] ?? '', offset },
    }));
    await copyStored(found, { ...copy, size, stayOpen: () => stayOpen(client, place, copy.signal) });
  } catch (error) {
    copy.signal.throwIfAborted();
    const { code } = error as NodeJS.ErrnoException;
    if (isNoSpace(code))
      throw new SendenseError('disk.full', 'the folder has no room for all of the file', { cause: error });
    throw code === 'ECONNRESET' ? cutOff(error) : error;
  }
}

async function copyStream(
  client: FilesClient,
  place: FilePlace,
  { etag, size }: Pick<RestorePlaces, 'etag' | 'size'>,
  copy: Copy,
): Promise<void> {
  const { file, from, signal, onBytes } = copy;
  const answer = await client.content(place, { signal, ...(from > 0 ? { from, sameAs: etag } : {}) });
  if (from > 0 && answer.statusCode !== 206) throw cutOff();
  let at = from;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    if (at + piece.length > size)
      throw new SendenseError('files.reader', `more than the ${size} bytes came that the file has`);
    await writeAll(file, piece, at);
    at += piece.length;
    onBytes(piece.length);
  }
}

/** So many requests are read ahead of the one that is written. */
const window = 4;

interface StoredCopy extends Copy {
  /** Of the whole, bytes. */
  readonly size: number;
  stayOpen(): Promise<void>;
}

/** Nothing of a restore point that is open is removed or merged. @throws SendenseError `files.session`, `files.reader` */
const stayOpen = async (client: FilesClient, { session, volume }: FilePlace, signal: AbortSignal): Promise<void> =>
  void (await client.show(session, { volume, signal }));

/** What was read since the restore point was last known to be open is given up where it no longer is. */
async function copyStored(places: readonly Place[], copy: StoredCopy): Promise<void> {
  let known = { at: copy.from, time: performance.now() };
  const confirm = async (at: number): Promise<void> => {
    await copy.stayOpen();
    known = { at, time: performance.now() };
  };
  try {
    await copyPlaces(places, copy, async (at) => {
      if (at - known.at >= sure.bytes || performance.now() - known.time >= sure.ms) await confirm(at);
    });
    await copy.file.truncate(copy.size);
    await confirm(copy.size);
  } catch (error) {
    await copy.file.truncate(known.at);
    throw error;
  }
}

/** Reads ahead into buffers that are used again, and writes in order. */
async function copyPlaces(
  places: readonly Place[],
  { file, from, signal, onBytes }: Copy,
  written: (at: number) => Promise<void>,
): Promise<void> {
  await using stored = openStored();
  using lent = new DisposableStack();
  const buffers = Array.from({ length: window }, () => lent.use(lendBuffer(mostRequestBytes)).buffer);
  const waiting: Promise<{ readonly at: number; readonly bytes: Buffer }>[] = [];
  const write = async (): Promise<void> => {
    const piece = await waiting.shift();
    signal.throwIfAborted();
    if (!piece) return;
    await writeAll(file, piece.bytes, piece.at);
    onBytes(piece.bytes.length);
    await written(piece.at + piece.bytes.length);
  };
  let count = 0;
  try {
    for (const piece of requestsOf(places)) {
      const skipped = Math.max(0, from - piece.at);
      if (piece.from.kind !== 'file' || skipped >= piece.length) continue;
      if (waiting.length === window) await write();
      const bytes = (buffers[count++ % window] ?? Buffer.alloc(0)).subarray(0, piece.length - skipped);
      const read = stored.read({ file: piece.from.file, offset: piece.from.offset + skipped }, bytes);
      waiting.push(read.then(() => ({ at: piece.at + skipped, bytes })));
    }
    while (waiting.length > 0) await write();
  } finally {
    await Promise.allSettled(waiting);
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}
