import { chmod, copyFile, open, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GuestBlocks } from '../../../src/blocks/guest-blocks.ts';
import type { Extent } from '../../../src/blocks/extents.ts';
import { sharesOf } from '../../../src/blocks/same-bytes.ts';
import type { OwnData } from '../../../src/host/images/qemu-map.ts';
import { readQcow2Header } from '../../../src/host/images/qcow2-header.ts';
import { guestBlocksIn } from '../../../src/repository/envelope.ts';
import { noKeys } from '../../../src/repository/image-keys.ts';
import type { Manifest } from '../../../src/schemas/types.ts';
import { claimed } from '../../../src/restore-points/merge/finish-merges.ts';
import { pairsOf, readBack } from '../../../src/restore-points/merge/read-back.ts';
import { MiB } from '../../host/disk-images.ts';
import { mergeRepository, numbersFrom, vm, type MergeRepository } from './merge-repository.ts';

const capacity = 48 * MiB;
let repository: MergeRepository;
let stored: Manifest['disks'][number];
let image = '';
let result = '';

beforeEach(async () => {
  repository = await mergeRepository();
  const commands = Array.from({ length: 40 }, (_, at) => `write -P ${at + 1} ${at}M 1M`);
  const { disks } = await repository.add('a', [{ number: 0, parent: null, capacity, commands }]);
  stored = disks[0];
  image = repository.file('vm/disk-0/a.qcow2');
  result = join(repository.folder, 'merged.qcow2');
  await copyFile(image, result);
  await chmod(result, 0o644);
});
afterEach(() => repository[Symbol.asyncDispose]());

/** Proves the child's file, lets something happen, and reads back what was merged; with threads, or without. */
async function proofAfter(threads: boolean, happens: (blocks: GuestBlocks) => Promise<void>) {
  const { state, root } = repository;
  const request = { state, vm, root, keys: noKeys, log: () => undefined, progress: () => undefined };
  return claimed(request, async (work) => {
    if (threads) work.threads.expect(4 * capacity);
    const map = await work.held.map(image, null);
    const header = await readQcow2Header(image);
    if (!header) throw new Error('no qcow2');
    const blocks = guestBlocksIn(map, header);
    work.held.proven(image, blocks);
    await happens(blocks);
    const disk = { number: 0 } as Parameters<typeof readBack>[0]['disk'];
    const what = { work, child: 'a', image, disk, stored, result, key: null, held: null, changed: null };
    const found = await readBack(what, [{ offset: 0, length: capacity }], blocks, stored.file_bytes);
    return { found: found ?? null, proven: (await work.held.provenIn(image)).length > 0 };
  });
}

async function flip(file: string, blocks: GuestBlocks, guest: number): Promise<void> {
  const at = blocks.extents.find((extent) => extent.guest <= guest && guest < extent.guest + extent.length);
  if (!at) throw new Error(`nothing at ${guest}`);
  await chmod(file, 0o644);
  await using handle = await open(file, 'r+');
  await handle.write(Buffer.from([0xff]), 0, 1, at.host + guest - at.guest);
}

describe.each([true, false])('read back, threads: %s', (threads) => {
  test('what is as it was is found so', async () => {
    expect(await proofAfter(threads, async () => undefined)).toEqual({ found: null, proven: true });
  });

  test('a byte that is another one in the merged file is found, wherever it is', async () => {
    for (const guest of [0, 20 * MiB + 65535, 40 * MiB - 1]) {
      await copyFile(image, result);
      await chmod(result, 0o644);
      const block = Math.floor(guest / 65536) * 65536;
      const { found } = (await proofAfter(threads, (blocks) => flip(result, blocks, guest))) ?? {};
      expect(found).toMatchObject({ offset: block });
    }
  });

  test('the index judges where the child itself was changed since it was proven', async () => {
    const both = await proofAfter(threads, async (blocks) => {
      await flip(image, blocks, 5 * MiB);
      await flip(result, blocks, 5 * MiB);
      // Also where whoever did it has set the time back.
      const time = Number(stored.file_mtime_ns) / 1e9;
      await utimes(image, time, time);
    });
    expect(both).toEqual({ found: { offset: 5 * MiB, length: 65536 } satisfies Extent, proven: false });
  });

  test('a difference that is the fault of the file of the child is none', async () => {
    expect(await proofAfter(threads, (blocks) => flip(image, blocks, 7 * MiB))).toEqual({ found: null, proven: false });
  });
});

test('pieces of two files pair up as their places on the disk say', () => {
  const next = numbersFrom(3);
  const some = (shift: number): OwnData[] => {
    const pieces: OwnData[] = [];
    for (let guest = next(5); guest < 200;) {
      const length = 1 + next(9);
      pieces.push({ guest, host: guest * 3 + shift, length });
      guest += length + next(4);
    }
    return pieces;
  };
  const bytes = (pieces: readonly OwnData[]): Map<number, number> =>
    new Map(pieces.flatMap(({ guest, host, length }) => Array.from({ length }, (_, at) => [guest + at, host + at])));
  for (let round = 0; round < 200; round++) {
    const [one, other] = [some(1000), some(5000)];
    const { pairs, left } = pairsOf(one, other);
    const [mine, its] = [bytes(one), bytes(other)];
    const expected = [...its].filter(([guest]) => mine.has(guest)).map(([guest, host]) => [mine.get(guest), host]);
    const both = pairs.flatMap(({ a, b, length }) => Array.from({ length }, (_, at) => [a + at, b + at]));
    expect(both).toEqual(expected);
    expect(bytes(left)).toEqual(new Map([...its].filter(([guest]) => !mine.has(guest))));
    expect(
      sharesOf(pairs)
        .flat()
        .reduce((sum, { length }) => sum + length, 0),
    ).toBe(expected.length);
  }
});
