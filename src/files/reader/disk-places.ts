import { sourcesOf, storedOf, type KnownDisk, type Place } from './places.ts';
import type { Extent } from '../protocol.ts';
import type { Stored } from './stored.ts';

/** A disk is looked up in parts of this size: a look starts a program. Bytes. */
const partBytes = 1024 * 1024 * 1024;
/** So many pieces are kept, each of some hundred bytes. */
const mostPieces = 100_000;

interface SizedDisk extends KnownDisk {
  /** Bytes. */
  readonly client: { readonly size: number };
}

/** Where many small extents lie, for as long as one archive is made: parts of disks are looked up once. */
export class DiskPlaces {
  readonly #disks: readonly SizedDisk[];
  readonly #signal: AbortSignal;
  /** By slot and number of the part; that which was looked up last is at the end. */
  readonly #parts = new Map<string, readonly Stored[]>();
  #pieces = 0;

  constructor(disks: readonly SizedDisk[], signal: AbortSignal) {
    this.#disks = disks;
    this.#signal = signal;
  }

  /** The places of a file's extents, in order; zeros are left out. */
  async of(extents: readonly Extent[]): Promise<Place[]> {
    const places: Place[] = [];
    for (const [at, length, slot, offset] of extents)
      for (let done = 0; done < length;) {
        const from = offset + done;
        const bytes = Math.min(length - done, partBytes - (from % partBytes));
        const stored = this.#known(slot ?? 0, from) ?? (await this.#lookUp(slot ?? 0, from));
        for (const piece of sourcesOf({ offset: from, length: bytes }, slot ?? 0, stored))
          places.push({ at: at + piece.offset - offset, length: piece.length, from: piece.from });
        done += bytes;
      }
    return places;
  }

  #known(slot: number, offset: number): readonly Stored[] | undefined {
    return this.#parts.get(keyOf(slot, offset));
  }

  async #lookUp(slot: number, offset: number): Promise<readonly Stored[]> {
    const disk = this.#disks[slot];
    const part = Math.floor(offset / partBytes) * partBytes;
    const length = Math.min(partBytes, (disk?.client.size ?? 0) - part);
    const stored = disk ? await storedOf(disk, [{ offset: part, length }], this.#signal) : [];
    for (const [oldest, pieces] of this.#parts) {
      if (this.#pieces + stored.length <= mostPieces) break;
      this.#parts.delete(oldest);
      this.#pieces -= pieces.length;
    }
    this.#parts.set(keyOf(slot, offset), stored);
    this.#pieces += stored.length;
    return stored;
  }
}

const keyOf = (slot: number, offset: number): string => `${slot}:${Math.floor(offset / partBytes)}`;
