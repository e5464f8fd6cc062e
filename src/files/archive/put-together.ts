import { giveBuffer, takeBuffer } from '../../host/files/spare-buffers.ts';
import { madeShortLived } from '../../host/system/short-lived.ts';
import type { ArchiveEntry } from './parts.ts';
import { padding, paxHeaders } from './pax.ts';

interface Options {
  /** Fills `target` from there. @param from the third number of an extent */
  read(from: number, offset: number, target: Buffer): Promise<void>;
  /** One piece of the archive after the other; a piece is the caller's. */
  onBytes(bytes: Buffer): Promise<void> | void;
  readonly signal?: AbortSignal | undefined;
  /** Whether who gets the pieces gives them back ({@link giveBack}): for 100,000 small files their memory costs as much as reading them. */
  readonly givenBack?: boolean;
}

/** Of the archive, bytes. */
const pieceBytes = 1024 * 1024;
/** So many pieces are read while one is handed over. */
const window = 3;
/** Places with less than this between them are read in one go, bytes. */
const apartBytes = 16 * 1024;
const spanBytes = 2 * 1024 * 1024;

/** A part of a piece that is read from somewhere. */
interface Copy {
  /** In the piece. */
  readonly at: number;
  readonly length: number;
  readonly from: number;
  readonly offset: number;
}

/** Puts an archive together of entries and bytes, and reads what is in the files meanwhile: in large pieces, where files lie side by side. */
export class PutTogether {
  readonly #options: Options;
  /** In the order of the archive; each has its content when it resolves. */
  readonly #reading: Promise<Buffer>[] = [];
  readonly #scratch: Buffer[] = [];
  #piece: Buffer;
  #filled = 0;
  #copies: Copy[] = [];

  constructor(options: Options) {
    this.#options = options;
    this.#piece = this.#room();
  }

  async entry(entry: ArchiveEntry): Promise<void> {
    await this.bytes(paxHeaders(entry));
    let reached = 0;
    for (const [at, length, from, offset] of entry.content) {
      if (at > reached) await this.#zeros(at - reached);
      await this.#copy(length, from ?? 0, offset);
      reached = at + length;
    }
    await this.#zeros(entry.size - reached + padding(entry.size).length);
  }

  /** Copies them. */
  async bytes(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const length = Math.min(bytes.length - done, pieceBytes - this.#filled);
      bytes.copy(this.#piece, this.#filled, done, done + length);
      done += length;
      if (this.#fill(length)) await this.#next();
    }
  }

  /** Resolves when all of it is handed over. */
  async end(): Promise<void> {
    if (this.#filled > 0) this.#begin();
    while (this.#reading.length > 0) await this.#hand();
  }

  /** What is read has ended then, too: nothing it reads from may be closed before. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#reading);
  }

  async #zeros(bytes: number): Promise<void> {
    for (let left = bytes; left > 0;) {
      const length = Math.min(left, pieceBytes - this.#filled);
      this.#piece.fill(0, this.#filled, this.#filled + length);
      left -= length;
      if (this.#fill(length)) await this.#next();
    }
  }

  async #copy(bytes: number, from: number, offset: number): Promise<void> {
    for (let done = 0; done < bytes;) {
      const length = Math.min(bytes - done, pieceBytes - this.#filled);
      this.#copies.push({ at: this.#filled, length, from, offset: offset + done });
      done += length;
      if (this.#fill(length)) await this.#next();
    }
  }

  /** @returns whether the piece is full */
  #fill(length: number): boolean {
    this.#filled += length;
    return this.#filled === pieceBytes;
  }

  async #next(): Promise<void> {
    this.#begin();
    if (this.#reading.length >= window) await this.#hand();
  }

  #begin(): void {
    const piece = this.#piece.subarray(0, this.#filled);
    const read = this.#read(piece, this.#copies).then(() => piece);
    // It may fail while the caller still takes an earlier one; `#hand` hears of it.
    read.catch(() => undefined);
    this.#reading.push(read);
    this.#piece = this.#room();
    this.#filled = 0;
    this.#copies = [];
  }

  #room(): Buffer {
    if (this.#options.givenBack === true) return takeBuffer(pieceBytes);
    madeShortLived(pieceBytes);
    return Buffer.allocUnsafe(pieceBytes);
  }

  async #hand(): Promise<void> {
    const piece = await this.#reading[0];
    this.#options.signal?.throwIfAborted();
    this.#reading.shift();
    if (piece) await this.#options.onBytes(piece);
  }

  async #read(piece: Buffer, copies: readonly Copy[]): Promise<void> {
    await Promise.all(spansOf(copies).map((span) => this.#readSpan(piece, span)));
  }

  async #readSpan(piece: Buffer, { from, offset, length, copies }: Span): Promise<void> {
    const [first, ...others] = copies;
    if (first && others.length === 0)
      return await this.#options.read(from, offset, piece.subarray(first.at, first.at + length));
    const scratch = this.#scratch.pop() ?? Buffer.allocUnsafe(spanBytes);
    await this.#options.read(from, offset, scratch.subarray(0, length));
    for (const copy of copies) scratch.copy(piece, copy.at, copy.offset - offset, copy.offset - offset + copy.length);
    this.#scratch.push(scratch);
  }
}

/** A piece is written: its memory is for the next one. */
export function giveBack(piece: Buffer): void {
  const { buffer } = piece;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === pieceBytes) giveBuffer(Buffer.from(buffer));
}

interface Span {
  readonly from: number;
  readonly offset: number;
  length: number;
  readonly copies: Copy[];
}

/** What is read in one go: copies whose places follow one another. */
function spansOf(copies: readonly Copy[]): Span[] {
  const spans: Span[] = [];
  for (const copy of copies) {
    const last = spans.at(-1);
    const behind = last ? copy.offset - last.offset - last.length : -1;
    const reach = last ? copy.offset + copy.length - last.offset : 0;
    if (last && last.from === copy.from && behind >= 0 && behind < apartBytes && reach <= spanBytes) {
      last.length = reach;
      last.copies.push(copy);
    } else spans.push({ from: copy.from, offset: copy.offset, length: copy.length, copies: [copy] });
  }
  return spans;
}
