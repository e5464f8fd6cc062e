import { createHash, hash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import {
  encodeFooter,
  encodeHeader,
  encodeTable,
  footerBytes,
  pageCountOf,
  pageKinds,
  rootOf,
  storedPageBytes,
  zeroPage,
  type PageEntry,
} from './block-index-format.ts';
import { alone, formHeader, recordIn, type IndexForm } from './index-form.ts';

export interface IndexFacts {
  /** 'sha256:<hex>' over the content; equal for equal disks. */
  readonly root: string;
  readonly indexBytes: number;
  /** SHA-256 of the file, hex. */
  readonly indexSha256: string;
}

/** Writes a block index front to back. Disposed before `finish`, it removes the file. */
export interface IndexWriter extends AsyncDisposable {
  /**
   * Digests of one page, 32 bytes a block, all zeros for a block of zeros. Pages come in any order and each at most
   * once; those that never come are zeros. The buffer may be used again when the promise settles.
   */
  writePage(page: number, digests: Uint8Array): Promise<void>;
  /** In place of {@link writePage}: a page of which nothing differs from the parent that the form names. */
  takeOver(page: number): void;
  /** Completes the file and flushes it to disk (not its folder: the caller renames it into place). */
  finish(): Promise<IndexFacts>;
}

export interface IndexWriterOptions {
  /** Of the disk, bytes. */
  readonly capacity: number;
  /** Default: format 1, which every version reads. */
  readonly form?: IndexForm | undefined;
}

/** Creates or overwrites `path`. */
export async function createIndexWriter(path: string, options: IndexWriterOptions): Promise<IndexWriter> {
  const { capacity, form = alone(1) } = options;
  if (!Number.isSafeInteger(capacity) || capacity < 0) throw new RangeError(`capacity ${capacity}`);
  const header = formHeader(form, capacity);
  const file = await open(path, 'w', 0o600);
  const entries: PageEntry[] = Array.from({ length: pageCountOf(capacity) }, () => zeroPage);
  const whole = createHash('sha256');
  const seen = new Set<number>();
  let end = 0;
  let state: 'open' | 'finished' | 'closed' = 'open';

  // Position and digest of the file are settled before the first await, so that calls may overlap.
  const append = async (data: Uint8Array): Promise<void> => {
    const position = end;
    end += data.length;
    whole.update(data);
    for (let done = 0; done < data.length;) {
      done += (await file.write(data, done, data.length - done, position + done)).bytesWritten;
    }
  };
  const take = (page: number): void => {
    if (!(page in entries) || seen.has(page) || state !== 'open') throw new RangeError(`page ${page} of ${path}`);
    seen.add(page);
  };

  const writer: IndexWriter = {
    async writePage(page, digests) {
      const length = page in entries ? storedPageBytes(capacity, page) : 0;
      if (digests.length < length)
        throw new RangeError(`${digests.length} bytes of digests for page ${page} of ${path}`);
      take(page);
      const stored = Buffer.from(digests.buffer, digests.byteOffset, length);
      if (isZero(stored)) return;
      const below = (await form.parent?.index.page(page)) ?? null;
      if (form.parent && below?.compare(stored, 0, length, 0, length) === 0) {
        entries[page] = takenOver(form.parent.index.pageDigest(page));
        return;
      }
      const digest = hash('sha256', stored, 'buffer');
      const { kind, data } = recordIn(form, stored, below);
      entries[page] = { kind, position: end, length: data.length, digest };
      await append(data);
    },
    takeOver(page) {
      if (!form.parent) throw new RangeError(`${path} has no parent`);
      take(page);
      const digest = form.parent.index.pageDigest(page);
      if (!isZero(digest)) entries[page] = takenOver(digest);
    },
    async finish() {
      if (state !== 'open') throw new Error(`${path} is finished already`);
      const root = rootOf(capacity, Buffer.concat(entries.map(({ digest }) => digest)));
      await append(encodeTable(form.format, entries));
      await append(encodeFooter(root, end + footerBytes));
      await file.sync();
      state = 'finished';
      return { root, indexBytes: end, indexSha256: whole.digest('hex') };
    },
    async [Symbol.asyncDispose]() {
      if (state === 'closed') return;
      const complete = state === 'finished';
      state = 'closed';
      await file.close();
      if (!complete) await rm(path, { force: true });
    },
  };
  try {
    await append(encodeHeader(header));
  } catch (error) {
    await writer[Symbol.asyncDispose]();
    throw error;
  }
  return writer;
}

const takenOver = (digest: Buffer): PageEntry => ({ kind: pageKinds.same, position: 0, length: 0, digest });

const zeros = Buffer.alloc(4096 * 32);
const isZero = (data: Buffer): boolean => zeros.compare(data, 0, data.length, 0, data.length) === 0;
