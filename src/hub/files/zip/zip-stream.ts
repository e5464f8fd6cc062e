import { once } from 'node:events';
import { crc32, createDeflateRaw } from 'node:zlib';
import { centralRecord, dataDescriptor, endRecords, localHeader, type ZipEntry } from './zip-records.ts';

type Write = (bytes: Buffer) => Promise<void>;

/** A zip archive that streams: nothing of it is kept but the list of its entries, some 100 bytes each. */
export interface ZipStream {
  /**
   * One entry after the other.
   * @param content hands over `size` bytes; where it fails before the first of them, nothing of the entry is in the archive
   */
  add(entry: ZipEntry, content?: (write: Write) => Promise<void>): Promise<void>;
  /** The list of entries. */
  end(): Promise<void>;
}

/** So many records are one buffer. */
const together = 1024;

/** @param write gets the bytes of the archive, one piece after the other */
export function zipStream(write: Write): ZipStream {
  let at = 0;
  let count = 0;
  const list: Buffer[] = [];
  let recent: Buffer[] = [];
  const put: Write = async (bytes) => {
    at += bytes.length;
    await write(bytes);
  };
  return {
    async add(entry, content) {
      const offset = at;
      const measured = content ? await pack(entry, put, content) : { crc: 0, packed: 0, bytes: 0 };
      if (!content) await put(localHeader(entry));
      await put(dataDescriptor(entry, { ...measured, offset }));
      count++;
      recent.push(centralRecord(entry, { ...measured, offset }));
      if (recent.length < together) return;
      list.push(Buffer.concat(recent));
      recent = [];
    },
    async end() {
      const offset = at;
      for (const records of [...list, ...recent]) await put(records);
      await put(endRecords({ count, offset, bytes: at - offset }));
    },
  };
}

interface Measured {
  readonly crc: number;
  readonly packed: number;
  readonly bytes: number;
}

async function pack(entry: ZipEntry, put: Write, content: (write: Write) => Promise<void>): Promise<Measured> {
  const deflate = createDeflateRaw({ level: 1 });
  let [crc, packed, bytes] = [0, 0, 0];
  let begun = false;
  const begin = async (): Promise<void> => {
    if (!begun) await put(localHeader(entry));
    begun = true;
  };
  const taking = (async () => {
    for await (const piece of deflate as AsyncIterable<Buffer>) {
      await begin();
      packed += piece.length;
      await put(piece);
    }
  })();
  // It is awaited below, where the content has not failed.
  taking.catch(() => undefined);
  try {
    await content(async (piece) => {
      if (piece.length === 0) return;
      await begin();
      crc = crc32(piece, crc);
      bytes += piece.length;
      if (!deflate.write(piece)) await Promise.race([once(deflate, 'drain'), taking]);
    });
    deflate.end();
    await taking;
  } catch (error) {
    deflate.destroy();
    throw error;
  }
  return { crc, packed, bytes };
}
