import { inflateSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createGrainPacker } from '../../../src/host/images/grain-packer.ts';
import { grainBytes } from '../../../src/host/images/vmdk-stream.ts';
import { printedRandom, randomBytes } from '../../support/random.ts';

/** Grains of all sorts: random ones, words, both in one, nearly nothing, steps that a histogram takes for random. */
function grains(): Buffer[] {
  const numbers = printedRandom('grains');
  const words = Buffer.from(Array.from({ length: 9000 }, () => numbers.int(0, 99_999)).join(' ')).subarray(
    0,
    grainBytes,
  );
  const both = Buffer.concat([randomBytes(grainBytes / 2), Buffer.alloc(grainBytes / 2, 'words')]);
  const sparse = Buffer.alloc(grainBytes);
  sparse.writeUInt8(1, numbers.int(0, grainBytes - 1));
  const steps = Buffer.from(Array.from({ length: grainBytes }, (_, index) => index & 0xff));
  const some = [words, both, sparse, steps, Buffer.alloc(grainBytes, 0xff)];
  const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(grainBytes - bytes.length)]);
  return Array.from({ length: 60 }, (_, index) => padded(some[index % 6] ?? randomBytes(grainBytes)));
}

test('a packed grain is a zlib stream of its own, the same whatever was packed before it, and never much larger', async () => {
  using packer = createGrainPacker();
  const all = grains();
  const packed = await Promise.all(all.map((grain) => packer.pack(grain)));
  for (const [index, grain] of all.entries()) {
    const one = packed[index] ?? Buffer.alloc(0);
    expect(inflateSync(one).equals(grain), String(index)).toBe(true);
    expect(one.length).toBeLessThan(grainBytes + 64);
  }
  // Words become a half, steps nearly nothing, what is random stays.
  expect(packed.slice(0, 6).map((one) => Math.round((one.length / grainBytes) * 2))).toEqual([1, 1, 0, 0, 0, 2]);
  using other = createGrainPacker();
  for (const [index, grain] of [...all.entries()].toReversed())
    expect((await other.pack(grain)).equals(packed[index] ?? Buffer.alloc(0)), String(index)).toBe(true);
});
