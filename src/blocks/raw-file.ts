import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { SendenseError } from '../errors/sendense-error.ts';

/** What the workers read through: an NBD connection or a raw file. */
export interface ByteSource {
  /** Largest `read`, bytes. */
  readonly maxRequest: number;
  /** Fills `target` from `offset`; calls may overlap. */
  read(offset: number, target: Uint8Array): Promise<void>;
}

const sectorBytes = 512;

/** A raw image or block device of this host. What an export adds to fill the last sector reads as zeros. */
export async function openRawFile(path: string): Promise<ByteSource & AsyncDisposable> {
  const file = await open(path, 'r');
  return {
    maxRequest: Number.MAX_SAFE_INTEGER,
    async read(offset, target) {
      for (let done = 0; done < target.length;) {
        const { bytesRead } = await file.read(target, done, target.length - done, offset + done);
        done += bytesRead;
        if (bytesRead === 0) return endedAt(path, offset + done, target.subarray(done));
      }
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

/**
 * {@link openRawFile} for a thread that has nothing else to do: it reads itself, which for many small pieces that are in memory costs
 * a tenth of handing each to another thread. Its calls do not overlap.
 */
export async function openReadAtOnce(path: string): Promise<ByteSource & AsyncDisposable> {
  const file = openSync(path, 'r');
  return {
    maxRequest: Number.MAX_SAFE_INTEGER,
    async read(offset, target) {
      for (let done = 0; done < target.length;) {
        const bytesRead = readSync(file, target, done, target.length - done, offset + done);
        done += bytesRead;
        if (bytesRead === 0) return endedAt(path, offset + done, target.subarray(done));
      }
    },
    [Symbol.asyncDispose]: async () => closeSync(file),
  };
}

/** Less than a sector is what an export adds. */
function endedAt(path: string, end: number, missing: Uint8Array): void {
  if (missing.length >= sectorBytes)
    throw new SendenseError('source.changed', `${path} ends at ${end} bytes, its export does not`);
  missing.fill(0);
}
