import { open, rename, stat, truncate, writeFile } from 'node:fs/promises';
import type { Random } from '../../support/random.ts';
import { all } from '../../support/rounds.ts';

const block = 64 * 1024;
const noBytes = Buffer.alloc(block);

/** One of so many pieces held random bytes before; all of it would have to be backed up each night. */
const rarely = all ? 4 : 16;

const isEmpty = (bytes: Uint8Array): boolean => noBytes.subarray(0, bytes.length).equals(bytes);

export interface GrowingDisk {
  /** Makes the disk as it was on that night, the first is 0. On the last it is the disk. */
  grow(night: number): Promise<void>;
}

/**
 * What a disk was on the nights before it became what it is: each piece of it was written on another night, and held something else or
 * nothing until then.
 * @param to where it is; each version takes the place of the one before
 */
export async function growingDisk(disk: string, to: string, nights: number, random: Random): Promise<GrowingDisk> {
  const { size } = await stat(disk);
  const born = Array.from({ length: Math.ceil(size / block) }, () => random.int(0, nights));
  return {
    async grow(night) {
      await using source = await open(disk);
      await writeFile(`${to}.new`, '');
      await truncate(`${to}.new`, size);
      await using made = await open(`${to}.new`, 'r+');
      const piece = Buffer.alloc(block);
      for (const [index, since] of born.entries()) {
        const { bytesRead } = await source.read(piece, 0, block, index * block);
        const bytes = piece.subarray(0, bytesRead);
        const isRandom = (index + night) % rarely === 0;
        const before = (): Uint8Array => (isRandom ? random.bytes(bytesRead) : bytes.toReversed());
        const now = since <= night || (isEmpty(bytes) && !isRandom) ? bytes : before();
        if (!isEmpty(now)) await made.write(now, 0, bytesRead, index * block);
      }
      await rename(`${to}.new`, to);
    },
  };
}
