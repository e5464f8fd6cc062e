import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import type { Place } from '../../../files/reader/places.ts';
import type { OpenFiles } from '../open-files.ts';
import { equalStreams } from './equal-streams.ts';

/** A file of an open restore point. */
export interface ComparedFile {
  readonly files: Pick<OpenFiles, 'read' | 'places'>;
  readonly volume: string;
  /** Its bytes in base64. */
  readonly path: string;
}

/**
 * Whether two files of one size hold the same bytes. What both have in the same place of the repository is the same, and is not read: of
 * a large file that changed a little, the restore points share all else.
 */
export async function sameContent(
  one: ComparedFile,
  other: ComparedFile,
  size: number,
  signal: AbortSignal,
): Promise<boolean> {
  const [a, b] = await Promise.all([placesOf(one, size, signal), placesOf(other, size, signal)]);
  const pieces = a && b ? differentPlaces(a, b, size) : [{ from: 0, to: size }];
  for (const piece of pieces)
    if (!(await sameBytes(contentOf(one, piece, signal), contentOf(other, piece, signal)))) return false;
  return true;
}

/** Null: they are not known. */
async function placesOf(
  { files, volume, path }: ComparedFile,
  size: number,
  signal: AbortSignal,
): Promise<readonly Place[] | null> {
  const found = await files.places({ volume, path, offset: 0, length: null }, signal);
  return found?.size === size ? found.places : null;
}

interface Piece {
  readonly from: number;
  readonly to: number;
}

/** Pieces with less than this between them are read together, bytes. */
const apartBytes = 1024 * 1024;

/** What does not lie in the same place on both sides. @param a in the order of the file; between places there are zeros */
export function differentPlaces(a: readonly Place[], b: readonly Place[], size: number): Piece[] {
  const pieces: { from: number; to: number }[] = [];
  const [one, other] = [sourceAlong(a, size), sourceAlong(b, size)];
  for (let at = 0; at < size;) {
    const [left, right] = [one(at), other(at)];
    const to = Math.min(left.to, right.to);
    if (left.where === null || left.where !== right.where) {
      const last = pieces.at(-1);
      if (last && at - last.to < apartBytes) last.to = to;
      else pieces.push({ from: at, to });
    }
    at = to;
  }
  return pieces;
}

interface Lying {
  /** The same for what is the same place; null: nobody knows. */
  readonly where: string | null;
  readonly to: number;
}

/** What lies at a place of the file; to be asked in the order of the file. */
function sourceAlong(places: readonly Place[], size: number): (at: number) => Lying {
  let next = 0;
  return (at) => {
    for (let place = places[next]; place && place.at + place.length <= at;) place = places[++next];
    const place = places[next];
    if (!place || place.at > at) return { where: 'zeros', to: Math.min(place?.at ?? size, size) };
    const { from } = place;
    const where = from.kind === 'file' ? `${from.offset + at - place.at} ${from.file}` : null;
    return { where, to: Math.min(place.at + place.length, size) };
  };
}

function contentOf({ files, volume, path }: ComparedFile, { from, to }: Piece, signal: AbortSignal): Readable {
  const stream = new PassThrough();
  const enough = new AbortController();
  const stop = AbortSignal.any([signal, enough.signal]);
  stream.once('close', () => enough.abort());
  const onBytes = async (bytes: Buffer): Promise<void> => {
    if (!stream.write(bytes)) await once(stream, 'drain', { signal: stop });
  };
  files.read({ volume, path, offset: from, length: to - from }, { signal: stop, onBytes }).then(
    () => stream.end(),
    (error: unknown) => stream.destroy(error as Error),
  );
  return stream;
}

async function sameBytes(one: Readable, other: Readable): Promise<boolean> {
  // Where one side fails, the other's end is of no interest.
  for (const stream of [one, other]) stream.on('error', () => undefined);
  try {
    return await equalStreams(one, other);
  } finally {
    one.destroy();
    other.destroy();
  }
}
