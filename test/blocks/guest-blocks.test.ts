import { stat } from 'node:fs/promises';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { envelopeRanges, wholeBlocks } from '../../src/blocks/guest-blocks.ts';
import { envelopeDigest, guestBlocksOf } from '../../src/repository/envelope.ts';
import { MiB, writeInto } from '../host/disk-images.ts';
import { temporaryFolder } from '../host/temporary-folder.ts';

const KiB = 1024;

describe('wholeBlocks', () => {
  test('joins what is in one line in guest and file, and leaves out blocks that are not in one piece', () => {
    const pieces = [
      { guest: 0, host: 1000 * KiB, length: 32 * KiB },
      { guest: 32 * KiB, host: 1032 * KiB, length: 64 * KiB },
      { guest: 128 * KiB, host: 2000 * KiB, length: 64 * KiB },
      { guest: 192 * KiB, host: 3000 * KiB, length: 32 * KiB },
    ];
    expect(wholeBlocks(pieces, MiB)).toEqual([
      { guest: 0, host: 1000 * KiB, length: 64 * KiB },
      { guest: 128 * KiB, host: 2000 * KiB, length: 64 * KiB },
    ]);
  });

  test('the last block may be cut off where the disk ends', () => {
    expect(wholeBlocks([{ guest: 64 * KiB, host: 0, length: 512 }], 64 * KiB + 512)).toEqual([
      { guest: 64 * KiB, host: 0, length: 512 },
    ]);
  });

  test('with the rest of the file it covers each byte once', () => {
    const extents = [
      { guest: 0, host: 50, length: 10 },
      { guest: 64, host: 10, length: 20 },
    ];
    expect(envelopeRanges(extents, 100)).toEqual([
      { offset: 0, length: 10 },
      { offset: 30, length: 20 },
      { offset: 60, length: 40 },
    ]);
    expect(envelopeRanges([{ guest: 0, host: 90, length: 20 }], 100)).toEqual([{ offset: 0, length: 90 }]);
  });
});

describe('the envelope of a qcow2', () => {
  test.each(['4k', '64k', '2M'])(
    'with clusters of %s: content and envelope together are the whole file',
    async (size) => {
      await using folder = await temporaryFolder();
      const file = folder.file('a.qcow2');
      await execa('qemu-img', ['create', '-q', '-f', 'qcow2', '-o', `cluster_size=${size}`, file, '8M']);
      await execa('qemu-io', [
        '-f',
        'qcow2',
        '-c',
        'write -P 7 0 3M',
        '-c',
        'write -P 8 4M 20k',
        '-c',
        'write -c -P 9 6M 2M',
        file,
      ]);
      const { extents } = await guestBlocksOf(file);
      const { size: bytes } = await stat(file);
      const inside = extents.reduce((sum, { length }) => sum + length, 0);
      const outside = envelopeRanges(extents, bytes).reduce((sum, { length }) => sum + length, 0);
      expect(inside + outside).toBe(bytes);
      expect(inside).toBeGreaterThanOrEqual(3 * MiB);
      const before = await envelopeDigest(file);
      expect(before).toMatch(/^sha256:[0-9a-f]{64}$/);
      // Guest data is none of its business, everything else is.
      await writeInto(file, [extents[0]?.host ?? 0, Buffer.from([1])]);
      expect(await envelopeDigest(file)).toBe(before);
      await writeInto(file, [bytes - 1, Buffer.from([0xee])]);
      expect(await envelopeDigest(file)).not.toBe(before);
    },
  );
});
