import { createHash } from 'node:crypto';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIndexWriter, openIndex, type IndexFacts } from '../../src/blocks/block-index.ts';
import { KiB, MiB, noise, openWorkshop } from './workshop.ts';

const pageBytes = 4096 * 32;

async function write(path: string, capacity: number, pages: readonly [number, Uint8Array][]): Promise<IndexFacts> {
  await using writer = await createIndexWriter(path, { capacity });
  await Promise.all(pages.map(([page, digests]) => writer.writePage(page, digests)));
  return await writer.finish();
}

test('what is written is read back, whatever order the pages came in, and the root does not depend on the order', async () => {
  await using shop = await openWorkshop();
  const capacity = 1024 * MiB + 5 * 64 * KiB + 512;
  const pages: [number, Buffer][] = [0, 1, 3, 4].map((page) => [page, noise(pageBytes, page + 1)]);
  const facts = await write(shop.path('a'), capacity, pages);
  const other = await write(shop.path('b'), capacity, pages.toReversed());
  expect(other.root).toBe(facts.root);

  const file = await readFile(shop.path('a'));
  expect(facts).toEqual({
    root: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    indexBytes: file.length,
    indexSha256: createHash('sha256').update(file).digest('hex'),
  });

  await using index = await openIndex(shop.path('b'), { verify: 'all' });
  expect(index).toMatchObject({ capacity, blockCount: 16 * 1024 + 6, pageCount: 5, root: facts.root });
  for (const [page, digests] of pages.slice(0, 3)) expect(await index.page(page)).toEqual(digests);
  expect(await index.page(2)).toBeNull();
  const last = await index.page(4);
  expect(last).toHaveLength(pageBytes);
  expect(last!.subarray(0, 6 * 32)).toEqual(pages[3]![1].subarray(0, 6 * 32));
  expect(last!.subarray(6 * 32).every((byte) => byte === 0)).toBe(true);
  expect(await index.blockDigest(4097)).toEqual(pages[1]![1].subarray(32, 64));
  expect(await index.blockDigest(2 * 4096)).toEqual(Buffer.alloc(32));
  await expect(index.blockDigest(index.blockCount)).rejects.toThrow(/which has/);
});

test('the root is what docs/block-index.md says', async () => {
  await using shop = await openWorkshop();
  const digests = noise(pageBytes);
  const { root } = await write(shop.path('a'), 257 * MiB, [[0, digests]]);
  const facts = Buffer.from('000000001010000000010000', 'hex');
  const page = createHash('sha256').update(digests).digest();
  const expected = createHash('sha256')
    .update(Buffer.concat([facts, page, Buffer.alloc(32)]))
    .digest('hex');
  expect(root).toBe(`sha256:${expected}`);
});

test('an empty disk of 2 TiB has an index of less than 400 KB, one of 1 MiB less than 1 KB', async () => {
  await using shop = await openWorkshop();
  expect((await write(shop.path('a'), 2 ** 41, [])).indexBytes).toBeLessThan(400_000);
  expect((await write(shop.path('b'), MiB, [[0, noise(pageBytes)]])).indexBytes).toBeLessThan(1000);
});

test('a writer that is not finished leaves no file', async () => {
  await using shop = await openWorkshop();
  {
    await using writer = await createIndexWriter(shop.path('a'), { capacity: MiB });
    await writer.writePage(0, noise(pageBytes));
    await expect(writer.writePage(0, noise(pageBytes))).rejects.toThrow(RangeError);
    await expect(writer.writePage(1, noise(pageBytes))).rejects.toThrow(RangeError);
  }
  expect(existsSync(shop.path('a'))).toBe(false);
});

test('one byte changed anywhere is found and the file is named', async () => {
  await using shop = await openWorkshop();
  const path = shop.path('disk.index');
  await write(path, 300 * MiB, [
    [0, noise(pageBytes, 3)],
    [1, noise(pageBytes, 4)],
  ]);
  const good = await readFile(path);
  const places = fc.oneof(
    fc.nat(good.length - 1),
    fc.nat(63),
    fc.nat(143).map((back) => good.length - 1 - back),
  );
  await fc.assert(
    fc.asyncProperty(places, fc.integer({ min: 1, max: 255 }), async (place, flip) => {
      const bad = Buffer.from(good);
      bad[place]! ^= flip;
      await writeFile(path, bad);
      await expect(openIndex(path, { verify: 'all' })).rejects.toMatchObject({
        code: 'repository.damaged',
        message: expect.stringContaining(path),
      });
    }),
    { numRuns: 60 },
  );
});

test('files that are cut off, too long, empty or something else are told apart', async () => {
  await using shop = await openWorkshop();
  const path = shop.path('disk.index');
  const { indexBytes } = await write(path, 300 * MiB, [[0, noise(pageBytes, 3)]]);
  const good = await readFile(path);
  const fails = async (message: RegExp): Promise<void> => {
    await expect(openIndex(path)).rejects.toMatchObject({
      code: 'repository.damaged',
      message: expect.stringMatching(message),
    });
  };
  for (const length of [indexBytes - 1, 5000, 128]) {
    await writeFile(path, good);
    await truncate(path, length);
    await fails(/cut off/);
  }
  await writeFile(path, Buffer.concat([good, Buffer.alloc(1)]));
  await fails(/cut off or not complete/);
  await writeFile(path, '');
  await fails(/only 0 bytes/);
  await writeFile(path, 'QFI\xfb'.repeat(100));
  await fails(/not a block index/);
  const later = Buffer.from(good);
  later[11] = 3;
  await writeFile(path, later);
  await fails(/version is 3/);
  await expect(openIndex(shop.path('none'))).rejects.toMatchObject({ code: 'file.unreadable' });
});
