import type { Place } from './places.ts';

/** Where a file lies: all of it from the offset that was asked for to `end`. */
export interface FilePlaces {
  /** Of the file, bytes. */
  readonly size: number;
  readonly end: number;
  readonly places: readonly Place[];
}

/** A piece of a file. */
export interface FilePiece {
  readonly volume: string;
  readonly path: string;
  readonly offset: number;
  /** Null: all of the rest. */
  readonly length: number | null;
}

/** So many places are kept, of all files, each of some hundred bytes; a name counts likewise. */
const mostPlaces = 20_000;
/** A piece is looked up with what is around it: who reads a file in pieces asks for the next one soon. Bytes. */
const segmentBytes = 1024 * 1024 * 1024;

/** Where files lie that were read, for as long as the restore point is open: it does not change, and to look is to start programs. */
export class KnownPlaces {
  /** That which was used last is at the end. */
  readonly #kept = new Map<string, { readonly found: Promise<FilePlaces | null>; weight: number }>();
  #weight = 0;

  /** Whether nothing has to be started for it. */
  has(piece: FilePiece): boolean {
    return this.#kept.has(keyOf(whole(piece))) || this.#kept.has(keyOf(segmentOf(piece)));
  }

  /** @param find looks a larger piece up; null: its bytes have to be asked for */
  async of(piece: FilePiece, find: (piece: FilePiece) => Promise<FilePlaces | null>): Promise<FilePlaces | null> {
    const larger = this.#kept.has(keyOf(whole(piece))) ? whole(piece) : segmentOf(piece);
    const found = await this.#one(larger, find);
    return found && partOf(found, piece);
  }

  async #one(piece: FilePiece, find: (piece: FilePiece) => Promise<FilePlaces | null>): Promise<FilePlaces | null> {
    const key = keyOf(piece);
    const known = this.#kept.get(key);
    if (known) {
      this.#kept.delete(key);
      this.#kept.set(key, known);
      return await known.found;
    }
    const one = { found: find(piece), weight: Math.ceil(key.length / 100) };
    this.#kept.set(key, one);
    this.#weight += one.weight;
    try {
      const found = await one.found;
      const more = found?.places.length ?? 0;
      one.weight += more;
      this.#weight += more;
      return found;
    } catch (error) {
      this.#drop(key);
      throw error;
    } finally {
      for (const [oldest] of this.#kept) if (this.#weight > mostPlaces) this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    this.#weight -= this.#kept.get(key)?.weight ?? 0;
    this.#kept.delete(key);
  }
}

const keyOf = ({ volume, path, offset, length }: FilePiece): string => JSON.stringify([volume, path, offset, length]);

const whole = (piece: FilePiece): FilePiece => ({ ...piece, offset: 0, length: null });

function segmentOf(piece: FilePiece): FilePiece {
  const { offset, length } = piece;
  if (length === null) return whole(piece);
  const from = Math.floor(offset / segmentBytes) * segmentBytes;
  return { ...piece, offset: from, length: Math.ceil((offset + length - from) / segmentBytes) * segmentBytes };
}

function partOf({ size, end: known, places }: FilePlaces, { offset, length }: FilePiece): FilePlaces {
  const end = Math.min(known, length === null ? size : offset + length);
  const part: Place[] = [];
  for (const place of places) {
    const from = Math.max(place.at, offset);
    const to = Math.min(place.at + place.length, end);
    if (from < to) part.push(cut(place, from, to));
  }
  return { size, end, places: part };
}

function cut({ at, from }: Place, start: number, end: number): Place {
  const source = from.kind === 'guest' ? from : { ...from, offset: from.offset + start - at };
  return { at: start, length: end - start, from: source };
}
