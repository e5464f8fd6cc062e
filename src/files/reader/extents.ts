import { SendenseError } from '../../errors/sendense-error.ts';
import { mostExtents, type Extent } from '../protocol.ts';

/** Longest list, bytes. */
const mostBytes = mostExtents * 80;

/** What the extents have to keep to. */
export interface ExtentBounds {
  /** Of the file that was asked for. */
  readonly from: number;
  readonly end: number;
  /** Size of each disk, by slot. */
  readonly disks: readonly number[];
}

/** Gathers lines of {@link Extent} from a guest that is not believed. */
export class ExtentLines {
  readonly #pieces: Buffer[] = [];
  #bytes = 0;

  add(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes > mostBytes) throw wrong('more extents than were asked for');
    this.#pieces.push(piece);
  }

  /** @throws SendenseError `files.reader` where one is out of its bounds, or they overlap */
  extents(bounds: ExtentBounds): Extent[] {
    const lines = Buffer.concat(this.#pieces).toString().split('\n').filter(Boolean);
    let reached = bounds.from;
    return lines.map((line) => {
      const extent = parse(line);
      const [at, length, slot, offset] = extent;
      if (at < reached || length < 1 || at + length > bounds.end) throw wrong('an extent that is not of the file');
      reached = at + length;
      const disk = slot === null ? 0 : (bounds.disks[slot] ?? -1);
      if (slot !== null && offset + length > disk) throw wrong('an extent that is not of the disk');
      return extent;
    });
  }
}

function parse(line: string): Extent {
  let extent: unknown;
  try {
    extent = JSON.parse(line);
  } catch {
    throw wrong('what is no extent');
  }
  if (!Array.isArray(extent) || extent.length !== 4) throw wrong('what is no extent');
  const [at, length, slot, offset] = extent as unknown[];
  if (![at, length, offset, slot ?? 0].every((value) => Number.isSafeInteger(value) && (value as number) >= 0))
    throw wrong('what is no extent');
  return [at as number, length as number, slot as number | null, offset as number];
}

const wrong = (what: string): SendenseError => new SendenseError('files.reader', `the reader told of ${what}`);
