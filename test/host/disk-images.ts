import { open, truncate, writeFile } from 'node:fs/promises';
import { execa } from 'execa';
import { randomBytes } from '../support/random.ts';

export const KiB = 1024;
export const MiB = 1024 * KiB;

export type Piece = readonly [offset: number, bytes: Uint8Array | number];

/** A raw disk of `size` bytes: the pieces (a number: so many random bytes), holes elsewhere. */
export async function makeRaw(path: string, size: number, ...pieces: readonly Piece[]): Promise<void> {
  await writeFile(path, '');
  await truncate(path, size);
  await writeInto(path, ...pieces);
}

export async function writeInto(path: string, ...pieces: readonly Piece[]): Promise<void> {
  await using handle = await open(path, 'r+');
  for (const [offset, piece] of pieces) {
    const bytes = typeof piece === 'number' ? randomBytes(piece) : piece;
    await handle.write(bytes, 0, bytes.length, offset);
  }
}

/** Commands of qemu-io, as a guest would write: `write -P 7 0 64k`. */
export async function guestWrites(file: string, format: string, ...commands: string[]): Promise<void> {
  await execa('qemu-io', ['-f', format, ...commands.flatMap((command) => ['-c', command]), file]);
}

/** Whether two images hold the same for a guest, by qemu-img alone. */
export async function sameContent(a: string, b: string): Promise<boolean> {
  return (await execa('qemu-img', ['compare', a, b], { reject: false })).exitCode === 0;
}
