import { createHash, type Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { tarBlock, tarEnd, tarHeader, tarPadding } from '../../host/files/tar-header.ts';

/** What a member of an archive turned out to be. */
export interface TarFacts {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}

/** An archive that is written from start to end, but for what was left free at its beginning. */
export interface TarFile {
  /** Begins a member whose size nobody knows yet. */
  begin(name: string): TarPart;
  /** Adds a member. */
  add(name: string, bytes: Buffer): Promise<TarFacts>;
  /** Ends the archive. Durable when this returns. */
  end(): Promise<void>;
}

export interface TarPart {
  /** What it gets is its own. */
  append(bytes: Buffer): Promise<void>;
  end(): Promise<TarFacts>;
}

/** So much goes to the file system at once. */
const batchBytes = 2 ** 20;

/**
 * @param modified of all members, seconds since the epoch
 * @param first where the first member begins: before it {@link putMember} puts others
 */
export function createTar(handle: FileHandle, modified: number, first: number): TarFile {
  let end = first;

  const begin = (name: string): TarPart => {
    const header = end;
    const batch = createBatch(handle, header + tarBlock);
    return {
      append: (bytes) => batch.append(bytes),
      async end() {
        const { size, sha256 } = await batch.end();
        await put(handle, tarHeader({ name, size, modified }), header);
        await put(handle, Buffer.alloc(tarPadding(size)), header + tarBlock + size);
        end = header + tarBlock + size + tarPadding(size);
        return { name, size, sha256 };
      },
    };
  };

  return {
    begin,
    async add(name, bytes) {
      const part = begin(name);
      await part.append(bytes);
      return part.end();
    },
    async end() {
      await put(handle, tarEnd, end);
      await handle.sync();
    },
  };
}

/** Bytes that a member takes with its header. */
export const memberSpan = (size: number): number => tarBlock + size + tarPadding(size);

/** Puts a member where it was left free. */
export async function putMember(
  handle: FileHandle,
  { name, bytes, modified }: { readonly name: string; readonly bytes: Buffer; readonly modified: number },
  at: number,
): Promise<void> {
  const padding = Buffer.alloc(tarPadding(bytes.length));
  await put(handle, Buffer.concat([tarHeader({ name, size: bytes.length, modified }), bytes, padding]), at);
}

interface Batch {
  append(bytes: Buffer): Promise<void>;
  end(): Promise<{ size: number; sha256: string }>;
}

function createBatch(handle: FileHandle, start: number): Batch {
  const hash: Hash = createHash('sha256');
  let [waiting, length, written] = [[] as Buffer[], 0, 0];
  const flush = async (): Promise<void> => {
    const bytes = Buffer.concat(waiting);
    [waiting, length] = [[], 0];
    const at = start + written;
    written += bytes.length;
    await put(handle, bytes, at);
  };
  return {
    async append(bytes) {
      hash.update(bytes);
      waiting.push(bytes);
      length += bytes.length;
      if (length >= batchBytes) await flush();
    },
    async end() {
      await flush();
      return { size: written, sha256: hash.digest('hex') };
    },
  };
}

async function put(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}
