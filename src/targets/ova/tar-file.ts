import type { FileHandle } from 'node:fs/promises';
import { appendTo, putBytes } from '../append-file.ts';
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

/**
 * @param modified of all members, seconds since the epoch
 * @param first where the first member begins: before it {@link putMember} puts others
 */
export function createTar(handle: FileHandle, modified: number, first: number): TarFile {
  let end = first;

  const begin = (name: string): TarPart => {
    const header = end;
    const content = appendTo(handle, header + tarBlock);
    return {
      append: content.append,
      async end() {
        const { size, sha256 } = await content.end();
        await putBytes(handle, tarHeader({ name, size, modified }), header);
        await putBytes(handle, Buffer.alloc(tarPadding(size)), header + tarBlock + size);
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
      await putBytes(handle, tarEnd, end);
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
  await putBytes(handle, Buffer.concat([tarHeader({ name, size: bytes.length, modified }), bytes, padding]), at);
}
