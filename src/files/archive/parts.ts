import { SendenseError } from '../../errors/sendense-error.ts';
import type { Extent } from '../protocol.ts';
import { paxHeaders, type PaxEntry } from './pax.ts';

/** An entry of an archive, and where its content lies: the bytes between the pieces are zeros. */
export interface ArchiveEntry extends PaxEntry {
  /** In the order of the file. What the third number counts, whoever writes the parts says. */
  readonly content: readonly Extent[];
}

/** What an archive is put together of: its bytes, or entries whose content somebody else reads. */
export type ArchivePart = Buffer | readonly ArchiveEntry[] | SourceFile;

/** The next file that content can lie in: they are counted from 0. */
export interface SourceFile {
  readonly file: string;
}

/** Of entries in one line: who puts the archive together works on them, while the next ones are found. */
const entriesInLine = 256;
const piecesInLine = 4096;
/** Of names, in base64: with more of them a line ends. */
const namesInLine = 256 * 1024;
/** Longest path of an entry, bytes. What has a longer one comes as bytes. */
export const longestEntryPath = 1024 * 1024;
/** Bytes come in pieces of so many at least, unless entries come between them. */
const piece = 64 * 1024;

/** Where the parts of an archive go. */
export interface PartsOutput {
  write(bytes: Uint8Array): Promise<void>;
  /** A line of entries was written. */
  told?(): Promise<void>;
}

/**
 * Writes the parts of an archive: a line of JSON for some entries, or for a file that content lies in, or for how many bytes of the
 * archive come behind the line.
 */
export class PartsWriter {
  readonly #out: PartsOutput;
  #entries: unknown[] = [];
  #pieces = 0;
  #names = 0;
  #waiting: Uint8Array[] = [];
  #bytes = 0;

  constructor(out: PartsOutput) {
    this.#out = out;
  }

  /** @param entry its path is no longer than {@link longestEntryPath}, if it has content */
  async entry(entry: ArchiveEntry): Promise<void> {
    const { name, type, mode, uid, gid, size, mtime, target, content } = entry;
    if (name.length > longestEntryPath) return await this.bytes(paxHeaders(entry));
    if (this.#bytes > 0) await this.#writeBytes();
    const { seconds, nanoseconds } = mtime;
    const path = name.toString('base64');
    const told = [path, type, mode, uid, gid, size, seconds, nanoseconds, content];
    this.#entries.push(target === undefined ? told : [...told, target.toString('base64')]);
    this.#pieces += content.length;
    this.#names += path.length;
    const isLong = this.#pieces >= piecesInLine || this.#names >= namesInLine;
    if (isLong || this.#entries.length >= entriesInLine) await this.#writeEntries();
  }

  /** Copies what is small. */
  async bytes(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    if (this.#entries.length > 0) await this.#writeEntries();
    this.#waiting.push(bytes.length < piece ? Uint8Array.prototype.slice.call(bytes) : bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= piece) await this.#writeBytes();
  }

  async file(file: string): Promise<void> {
    await this.end();
    await this.#out.write(lineOf({ file }));
  }

  /** Writes what was held back. */
  async end(): Promise<void> {
    if (this.#entries.length > 0) await this.#writeEntries();
    if (this.#bytes > 0) await this.#writeBytes();
  }

  async #writeEntries(): Promise<void> {
    const line = lineOf(this.#entries);
    this.#entries = [];
    this.#pieces = 0;
    this.#names = 0;
    await this.#out.write(line);
    await this.#out.told?.();
  }

  async #writeBytes(): Promise<void> {
    const waiting = this.#waiting;
    const bytes = this.#bytes;
    this.#waiting = [];
    this.#bytes = 0;
    await this.#out.write(lineOf({ bytes }));
    for (const one of waiting) await this.#out.write(one);
  }
}

const lineOf = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);

/** Longest line, bytes: a path in base64 and {@link piecesInLine} and more pieces of a file. */
const longestLine = 4 * 1024 * 1024;
const newline = 0x0a;

/** Reads what a {@link PartsWriter} has written, by somebody who is not believed. */
export class PartsReader {
  #line: Buffer[] = [];
  #held = 0;
  /** Bytes of the archive that come next. */
  #bytes = 0;

  /** @throws SendenseError `files.reader` */
  *add(bytes: Buffer): Generator<ArchivePart> {
    for (let at = 0; at < bytes.length;) {
      if (this.#bytes > 0) {
        const own = bytes.subarray(at, at + this.#bytes);
        this.#bytes -= own.length;
        at += own.length;
        yield own;
        continue;
      }
      const end = bytes.indexOf(newline, at);
      this.#hold(bytes.subarray(at, end < 0 ? bytes.length : end));
      if (end < 0) return;
      at = end + 1;
      const part = this.#part();
      if (part) yield part;
    }
  }

  /** @throws SendenseError `files.reader` where something is missing */
  end(): void {
    if (this.#held > 0 || this.#bytes > 0) throw wrong('the archive has no end');
  }

  #hold(bytes: Buffer): void {
    this.#held += bytes.length;
    if (this.#held > longestLine) throw wrong('a line has no end');
    this.#line.push(Buffer.from(bytes));
  }

  #part(): ArchivePart | null {
    const text = this.#line.length === 1 ? String(this.#line[0]) : Buffer.concat(this.#line).toString();
    this.#line = [];
    this.#held = 0;
    const value = parsed(text);
    if (Array.isArray(value)) return value.map(entryOf);
    const { bytes, file } = (value ?? {}) as { readonly bytes?: unknown; readonly file?: unknown };
    if (typeof file === 'string') return { file };
    if (!isCount(bytes)) throw wrong('a line is none of an archive');
    this.#bytes = bytes;
    return null;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw wrong('a line is no JSON');
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isId = (value: unknown): value is number => isCount(value) && value <= 0xffffffff;
const types: ReadonlySet<unknown> = new Set<PaxEntry['type']>(['0', '2', '5']);
const second = 1_000_000_000;

function entryOf(value: unknown): ArchiveEntry {
  if (!Array.isArray(value)) throw wrong('what should be an entry is none');
  const [name, type, mode, uid, gid, size, seconds, nanoseconds, content, target] = value as unknown[];
  const isEntry =
    types.has(type) &&
    isCount(mode) &&
    isId(uid) &&
    isId(gid) &&
    isCount(size) &&
    Number.isSafeInteger(seconds) &&
    isCount(nanoseconds) &&
    nanoseconds < second;
  if (!isEntry || !Array.isArray(content) || (type !== '0' && (size > 0 || content.length > 0)))
    throw wrong('what should be an entry is none');
  return {
    name: pathOf(name),
    type: type as PaxEntry['type'],
    mode,
    uid,
    gid,
    size,
    mtime: { seconds: seconds as number, nanoseconds },
    ...(target === undefined ? {} : { target: pathOf(target) }),
    content: extentsOf(content, size),
  };
}

/** An archive ends a name at its first zero. */
function pathOf(value: unknown): Buffer {
  const path = typeof value === 'string' ? Buffer.from(value, 'base64') : empty;
  if (path.length === 0 || path.length > longestEntryPath || path.includes(0)) throw wrong('a path is none');
  return path;
}

const empty = Buffer.alloc(0);

function extentsOf(content: readonly unknown[], size: number): Extent[] {
  let reached = 0;
  for (const extent of content) {
    const [at, length, from, offset] = Array.isArray(extent) ? (extent as unknown[]) : [];
    if (!isCount(at) || !isCount(length) || !isCount(from) || !isCount(offset))
      throw wrong('a piece of a file is none');
    if (at < reached || length < 1 || at + length > size) throw wrong('a piece is not of the file');
    reached = at + length;
  }
  return content as Extent[];
}

const wrong = (what: string): SendenseError => new SendenseError('files.reader', `of an archive in parts: ${what}`);
