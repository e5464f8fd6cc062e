import { createHash, hash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import {
  encodeFooter,
  encodeHeader,
  encodeTable,
  footerBytes,
  pageCountOf,
  rootOf,
  storedPageBytes,
  zeroPage,
  type PageEntry,
} from './block-index-format.ts';

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
  /** Completes the file and flushes it to disk (not its folder: the caller renames it into place). */
  finish(): Promise<IndexFacts>;
}

/** Creates or overwrites `path`. Capacity in bytes. */
export async function createIndexWriter(path: string, options: { readonly capacity: number }): Promise<IndexWriter> {
  const { capacity } = options;
  if (!Number.isSafeInteger(capacity) || capacity < 0) throw new RangeError(`capacity ${capacity}`);
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

  const writer: IndexWriter = {
    async writePage(page, digests) {
      if (!(page in entries) || seen.has(page) || state !== 'open') throw new RangeError(`page ${page} of ${path}`);
      const length = storedPageBytes(capacity, page);
      if (digests.length < length)
        throw new RangeError(`${digests.length} bytes of digests for page ${page} of ${path}`);
      seen.add(page);
      const stored = Buffer.from(digests.buffer, digests.byteOffset, length);
      if (isZero(stored)) return;
      entries[page] = { position: end, digest: hash('sha256', stored, 'buffer') };
      await append(stored);
    },
    async finish() {
      if (state !== 'open') throw new Error(`${path} is finished already`);
      const root = rootOf(capacity, entries);
      await append(encodeTable(entries));
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
    await append(encodeHeader(capacity));
  } catch (error) {
    await writer[Symbol.asyncDispose]();
    throw error;
  }
  return writer;
}

const zeros = Buffer.alloc(4096 * 32);
const isZero = (data: Buffer): boolean => zeros.compare(data, 0, data.length, 0, data.length) === 0;
