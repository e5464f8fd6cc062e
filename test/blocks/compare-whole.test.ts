import { copyFile, open } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pageSpan } from '../../src/blocks/block-index-format.ts';
import { compareWhole } from '../../src/blocks/compare-whole.ts';
import { digestExport } from '../../src/blocks/digest-export.ts';
import { guestBlocksOf } from '../../src/repository/envelope.ts';
import { MiB, noise, openWorkshop } from './workshop.ts';

const shop = await openWorkshop();
afterAll(() => shop[Symbol.asyncDispose]());

/** Data in three pages of the index, one page of zeros, and a last block that is short. */
const capacity = 3 * pageSpan + 512;
const pieces = [
  { offset: 100_000, data: noise(300_000) },
  { offset: 2 * pageSpan - MiB, data: noise(MiB + 5, 2) },
  { offset: 3 * pageSpan, data: noise(512, 3) },
];

beforeAll(async () => {
  const raw = await shop.raw('disk.raw', capacity, pieces);
  await shop.qcow2FromRaw('disk.qcow2', raw);
  await indexOf('right', raw);
  await indexOf('data', await shop.raw('data.raw', capacity, [...pieces, { offset: 2 * pageSpan, data: noise(1, 4) }]));
  await indexOf('hole', await shop.raw('hole.raw', capacity, [...pieces, { offset: pageSpan, data: noise(1, 5) }]));
  await indexOf('small', await shop.raw('small.raw', capacity - 512, pieces.slice(0, 2)));
});

async function indexOf(name: string, raw: string): Promise<void> {
  await digestExport({ uri: (await shop.qemuNbd(raw)).uri, file: raw, indexPath: shop.path(name) });
}

async function compare(file: string, index: string): Promise<{ readonly same: boolean; readonly read: number }> {
  let read = 0;
  const onProgress = (done: number): void => void (read = done);
  const blocks = await guestBlocksOf(shop.path('disk.qcow2'));
  const against = { indexPath: shop.path(index), indexKey: null, signal: new AbortController().signal };
  return { same: await compareWhole({ file, blocks, ...against, onProgress }), read };
}

test('what a qcow2 holds, and that it holds no more, is compared with a block index', async () => {
  const { same, read } = await compare(shop.path('disk.qcow2'), 'right');
  expect(same).toBe(true);
  expect(read).toBe(
    (await guestBlocksOf(shop.path('disk.qcow2'))).extents.reduce((sum, { length }) => sum + length, 0),
  );
});

test.each(['data', 'hole', 'small'])('an index that differs in %s is not what the file holds', async (index) => {
  expect((await compare(shop.path('disk.qcow2'), index)).same).toBe(false);
});

test('one byte that differs is seen', async () => {
  const torn = shop.path('torn.qcow2');
  await copyFile(shop.path('disk.qcow2'), torn);
  const { extents } = await guestBlocksOf(torn);
  await using handle = await open(torn, 'r+');
  const at = (extents.at(-1)?.host ?? 0) + 100;
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, at);
  await handle.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  expect((await compare(torn, 'right')).same).toBe(false);
});
