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
        if (bytesRead > 0) continue;
        if (target.length - done >= sectorBytes) {
          throw new SendenseError('source.changed', `${path} ends at ${offset + done} bytes, its export does not`);
        }
        target.fill(0, done);
        return;
      }
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}
