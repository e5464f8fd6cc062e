import { SendenseError } from '../../errors/sendense-error.ts';
import type { NbdClient } from '../../host/nbd/nbd-client.ts';
import { leastPlaced, type Answer, type Ask } from '../protocol.ts';
import type { Channel } from './channel.ts';
import { ExtentLines } from './extents.ts';
import type { FilePlaces, KnownPlaces } from './known-places.ts';
import { placesOf, type KnownDisk, type Place } from './places.ts';
import { openStored, type StoredFiles } from './stored-files.ts';

export interface ContentOptions {
  readonly signal?: AbortSignal | undefined;
  /** One piece after the other, in the order of the file; a piece is the caller's. */
  onBytes(bytes: Buffer): Promise<void> | void;
  /** So many bytes of zeros come next. Without it they come as bytes. */
  onHole?(length: number): Promise<void> | void;
}

/** A disk of the reader. */
export interface ReadDisk extends KnownDisk {
  /** As the guest sees it. */
  readonly client: NbdClient;
}

export interface ContentParts {
  readonly ask: Channel['ask'];
  /** By slot. */
  readonly disks: readonly ReadDisk[];
  readonly known: KnownPlaces;
  /** Aborts when the reader ends. */
  readonly ended: AbortSignal;
}

/** Largest request, bytes, and how many are under way. */
export const mostRequestBytes = 1024 * 1024;
const window = 8;

/** Where the content of a regular file lies; null where asking for the bytes is the better way. */
export async function findPlaces(
  parts: ContentParts,
  asked: Ask<'read'>,
  signal?: AbortSignal,
): Promise<FilePlaces | null> {
  signal?.throwIfAborted();
  if (asked.length !== null && asked.length < leastPlaced && !parts.known.has(asked)) return null;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([parts.known.of(asked, (piece) => lookUp(parts, piece)), aborted.promise]);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Others wait for it, too: it ends with the reader, and not with who asked first. */
async function lookUp({ ask, disks, ended }: ContentParts, piece: Ask<'read'>): Promise<FilePlaces | null> {
  const lines = new ExtentLines();
  const onBytes = (bytes: Buffer): void => lines.add(bytes);
  const { known, size } = await ask('extents', piece, { signal: ended, onBytes });
  if (!known) return null;
  const end = piece.length === null ? size : Math.min(size, piece.offset + piece.length);
  const extents = lines.extents({ from: piece.offset, end, disks: disks.map(({ client }) => client.size) });
  return { size, end, places: await placesOf(disks, extents, ended) };
}

/** The content of a regular file: from where it lies if that is known, else through the guest. */
export async function readContent(
  parts: ContentParts,
  asked: Ask<'read'>,
  options: ContentOptions,
): Promise<Answer<'read'>> {
  const found = await findPlaces(parts, asked, options.signal);
  if (!found) return await parts.ask('read', asked, options);
  await using files = openStored();
  let at = asked.offset;
  for (const run of runsOf(found.places)) {
    const [first] = run;
    if (!first) continue;
    await giveHole(first.at - at, options);
    at = run.reduce((sum, { length }) => sum + length, first.at);
    if (first.from.kind === 'guest')
      await throughGuest(parts.ask, { ...asked, offset: first.at, length: at - first.at }, options);
    else await inPlace(parts, files, run, options);
  }
  await giveHole(found.end - at, options);
  return { bytes: Math.max(found.end - asked.offset, 0) };
}

/** Pieces that follow one another without a hole and are read the same way. */
function* runsOf(places: readonly Place[]): Generator<readonly Place[]> {
  let run: Place[] = [];
  for (const place of places) {
    const last = run.at(-1);
    const isOther = (last?.from.kind === 'guest') !== (place.from.kind === 'guest');
    if (last && (last.at + last.length !== place.at || isOther)) {
      yield run;
      run = [];
    }
    run.push(place);
  }
  if (run.length > 0) yield run;
}

async function throughGuest(ask: Channel['ask'], piece: Ask<'read'>, options: ContentOptions): Promise<void> {
  const { bytes } = await ask('read', piece, options);
  // Less than it said that the file has: the rest would be missing in the middle.
  const damaged = `the file ends at ${piece.offset + bytes}, before its end`;
  if (bytes !== piece.length) throw new SendenseError('files.damaged', damaged);
}

/** Zeros for a caller that knows no holes. */
const zeros = Buffer.alloc(mostRequestBytes);

async function giveHole(length: number, { signal, onBytes, onHole }: ContentOptions): Promise<void> {
  if (length <= 0) return;
  if (onHole) return await onHole(length);
  for (let done = 0; done < length; done += mostRequestBytes) {
    signal?.throwIfAborted();
    await onBytes(Buffer.from(zeros.subarray(0, Math.min(mostRequestBytes, length - done))));
  }
}

async function inPlace(
  { disks }: ContentParts,
  files: StoredFiles,
  run: readonly Place[],
  { signal, onBytes }: ContentOptions,
): Promise<void> {
  const waiting: Promise<Buffer>[] = [];
  const take = async (): Promise<void> => {
    const piece = await waiting.shift();
    signal?.throwIfAborted();
    if (piece) await onBytes(piece);
  };
  const readPlace = async ({ from, length }: Place): Promise<Buffer> => {
    const bytes = Buffer.allocUnsafe(length);
    if (from.kind === 'file') await files.read(from, bytes);
    else if (from.kind === 'disk') await disks[from.slot]?.client.read(from.offset, bytes);
    return bytes;
  };
  try {
    for (const piece of requestsOf(run)) {
      if (waiting.length === window) await take();
      const read = readPlace(piece);
      // It may fail while the caller still takes an earlier one; `take` hears of it.
      read.catch(() => undefined);
      waiting.push(read);
    }
    while (waiting.length > 0) await take();
  } finally {
    await Promise.allSettled(waiting);
  }
}

/** Pieces that one request can read. */
export function* requestsOf(places: readonly Place[]): Generator<Place> {
  for (const { at, length, from } of places)
    for (let done = 0; done < length; done += mostRequestBytes)
      yield {
        at: at + done,
        length: Math.min(mostRequestBytes, length - done),
        from: from.kind === 'guest' ? from : { ...from, offset: from.offset + done },
      };
}
