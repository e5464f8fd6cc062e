import { createHash } from 'node:crypto';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mostLevels } from '../../src/blocks/block-index-format.ts';
import { openIndex } from '../../src/blocks/block-index.ts';
import { alone } from '../../src/blocks/index-form.ts';
import { capacity, changed, changes, emptyModel, readModel, rewrite, writeModel, type Model } from './index-model.ts';
import { MiB, openWorkshop, type Workshop } from './workshop.ts';

const damaged = (message: RegExp) => ({ code: 'repository.damaged', message: expect.stringMatching(message) });

/** p0 stands alone, p1 is built on it, p2 on p1. */
async function threePoints(shop: Workshop): Promise<Model[]> {
  const base = changed(emptyModel(), [{ first: 0, count: 9000, step: 1, value: 3 }]);
  const models = [
    base,
    changed(base, [{ first: 5, count: 3, step: 1, value: 4 }]),
    changed(base, [{ first: 4099, count: 8000, step: 7, value: 0 }]),
  ];
  await writeModel(shop.path('p0.index'), models[0]!, alone(2));
  for (const at of [1, 2]) {
    await using index = await openIndex(shop.path(`p${at - 1}.index`));
    await writeModel(shop.path(`p${at}.index`), models[at]!, { format: 2, parent: { name: `p${at - 1}`, index } });
  }
  return models;
}

test('one byte changed anywhere in any file of a chain is found, or changes nothing of what the index says', async () => {
  await using shop = await openWorkshop();
  const models = await threePoints(shop);
  const good = await Promise.all([0, 1, 2].map((at) => readFile(shop.path(`p${at}.index`))));
  const place = fc.record({
    at: fc.nat(2),
    place: fc.oneof(
      fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      fc.double({ min: 0, max: 0.01, noNaN: true }),
      fc.double({ min: 0.9, max: 0.999_999, noNaN: true }),
    ),
    flip: fc.integer({ min: 1, max: 255 }),
  });
  await fc.assert(
    fc.asyncProperty(place, async ({ at, place: where, flip }) => {
      const bad = Buffer.from(good[at]!);
      bad[Math.floor(where * bad.length)]! ^= flip;
      const path = shop.path(`p${at}.index`);
      await writeFile(path, bad);
      await expect(openIndex(path, { verify: 'all' })).rejects.toMatchObject(damaged(/./));
      const above = await readModel(shop.path('p2.index')).catch((error: unknown) => error);
      if (above instanceof Error) expect(above).toMatchObject({ code: 'repository.damaged' });
      else expect((above as Buffer).equals(models[2]!)).toBe(true);
      await writeFile(path, good[at]!);
    }),
    { numRuns: 150 },
  );
});

test('a page that rotted is blamed on the file that holds it', async () => {
  await using shop = await openWorkshop();
  await threePoints(shop);
  const path = shop.path('p0.index');
  const bytes = await readFile(path);
  // The last page in the file is the first of the disk, to which p1 has a patch.
  bytes[bytes.length - 64 - 4 * 44 - 100]! ^= 1;
  await writeFile(path, bytes);
  await expect(openIndex(shop.path('p2.index'), { verify: 'all' })).rejects.toMatchObject(
    damaged(/p0\.index cannot be used: page 0 does/),
  );
  await using index = await openIndex(shop.path('p2.index'));
  expect(index.levels.map(({ parent }) => parent)).toEqual(['p1', 'p0', null]);
});

test('a parent that is missing, another one, or of another size is named', async () => {
  await using shop = await openWorkshop();
  const models = await threePoints(shop);
  const [first, second] = await Promise.all(['p0', 'p1'].map((name) => readFile(shop.path(`${name}.index`))));
  await rm(shop.path('p0.index'));
  await expect(openIndex(shop.path('p2.index'))).rejects.toMatchObject(damaged(/p1\.index .* built on .*p0\.index/));
  await writeModel(shop.path('p0.index'), models[2]!, alone(2));
  await expect(openIndex(shop.path('p2.index'))).rejects.toMatchObject(
    damaged(/built on sha256:.*p0\.index is sha256:/),
  );
  await writeFile(shop.path('p0.index'), first!);
  await writeFile(shop.path('p1.index'), first!);
  await expect(openIndex(shop.path('p2.index'))).rejects.toMatchObject(damaged(/p1\.index is sha256:/));
  await writeFile(shop.path('p1.index'), second!);
  expect((await readModel(shop.path('p2.index'))).equals(models[2]!)).toBe(true);
});

test('another form of the same content in place of a parent is as good', async () => {
  await using shop = await openWorkshop();
  const models = await threePoints(shop);
  {
    await using index = await openIndex(shop.path('p1.index'));
    await rewrite(index, alone(1), shop.path('part'));
  }
  await writeFile(shop.path('p1.index'), await readFile(shop.path('part')));
  await rm(shop.path('p0.index'));
  expect((await readModel(shop.path('p2.index'))).equals(models[2]!)).toBe(true);
});

/** An index that says nothing of its own, built on `parent`, which it believes to be as it itself is. */
async function hollow(shop: Workshop, name: string, parent: string, model: Model): Promise<void> {
  await writeModel(shop.path('base.index'), model, alone(2));
  await using index = await openIndex(shop.path('base.index'));
  await writeModel(shop.path(`${name}.index`), model, { format: 2, parent: { name: parent, index } });
}

test('an index that is built on itself, at once or by a detour, or on too many, is refused', async () => {
  await using shop = await openWorkshop();
  const model = changed(emptyModel(), [{ first: 3, count: 3, step: 1, value: 1 }]);
  await hollow(shop, 'own', 'own', model);
  await expect(openIndex(shop.path('own.index'))).rejects.toMatchObject(damaged(/built on itself/));
  await hollow(shop, 'a', 'b', model);
  await hollow(shop, 'b', 'c', model);
  await hollow(shop, 'c', 'b', model);
  await expect(openIndex(shop.path('a.index'))).rejects.toMatchObject(damaged(/c\.index .* built on itself/));

  for (let at = 1; at <= mostLevels; at++) await hollow(shop, `d${at}`, at === 1 ? 'base' : `d${at - 1}`, model);
  await using deepest = await openIndex(shop.path(`d${mostLevels - 1}.index`), { verify: 'all' });
  expect(deepest.levels).toHaveLength(mostLevels);
  await expect(openIndex(shop.path(`d${mostLevels}.index`))).rejects.toMatchObject(damaged(/more than 31 others/));
});

/** Changes bytes and makes the root and the length right again, as somebody would who can compute. */
async function forge(path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  const bytes = change(await readFile(path));
  const pages = 4;
  const table = bytes.subarray(bytes.length - 64 - pages * 44, bytes.length - 64);
  const facts = Buffer.alloc(12);
  bytes.copy(facts, 0, 24, 32);
  facts.writeUInt32BE(65536, 8);
  const root = createHash('sha256').update(facts);
  for (let page = 0; page < pages; page++) root.update(table.subarray(page * 44 + 12, page * 44 + 44));
  root.digest().copy(bytes, bytes.length - 64);
  await writeFile(path, bytes);
}

test('forged tables and records are refused, each for what is wrong', async () => {
  await using shop = await openWorkshop();
  await threePoints(shop);
  const path = shop.path('p1.index');
  const good = await readFile(path);
  const entryAt = (bytes: Buffer, page: number): number => bytes.length - 64 - (4 - page) * 44;
  const cases: [RegExp, (bytes: Buffer) => void][] = [
    [/page 0 is not within it/, (bytes) => bytes.writeBigUInt64BE(2n ** 62n, entryAt(bytes, 0) + 4)],
    [/page 0 is not within it/, (bytes) => bytes.writeBigUInt64BE(8n, entryAt(bytes, 0) + 4)],
    [/page 0 is not within it/, (bytes) => bytes.writeBigUInt64BE(BigInt(bytes.length), entryAt(bytes, 0) + 4)],
    [/way that there is not/, (bytes) => bytes.writeUInt8(9, entryAt(bytes, 0))],
    [/way that there is not/, (bytes) => bytes.writeUInt32BE(3 * 2 ** 24 + 2 ** 23, entryAt(bytes, 0))],
    [/way that there is not/, (bytes) => bytes.writeUInt32BE(4 * 2 ** 24 + 1, entryAt(bytes, 0))],
    [/not within it/, (bytes) => bytes.writeUInt32BE(4 * 2 ** 24, entryAt(bytes, 0))],
    [/no digest, or no place/, (bytes) => bytes.fill(0, entryAt(bytes, 1) + 12, entryAt(bytes, 1) + 44)],
    [/page 1 is not that of .*p0/, (bytes) => bytes.fill(7, entryAt(bytes, 1) + 12, entryAt(bytes, 1) + 44)],
    [/page 0 has runs that are not in order/, (bytes) => bytes.writeUInt16BE(4095, 160)],
    [/page 0 has runs that are not in order/, (bytes) => bytes.writeUInt16BE(0, 164)],
    [/page 0 has runs that are not in order/, (bytes) => bytes.writeUInt16BE(4094, 162)],
    [/page 0 does not match its digest/, (bytes) => bytes.writeUInt16BE(4000, 162)],
    [/header is damaged/, (bytes) => bytes.writeBigUInt64BE(2n ** 60n, 24)],
    [/too short for its capacity|header is damaged/, (bytes) => bytes.writeBigUInt64BE(2n ** 49n, 24)],
    [/header is damaged/, (bytes) => bytes.write('../p0\0', 96, 'latin1')],
  ];
  for (const [message, change] of cases) {
    await writeFile(path, good);
    await forge(path, (bytes) => {
      change(bytes);
      return bytes;
    });
    await expect(openIndex(path, { verify: 'all' }), String(message)).rejects.toMatchObject(damaged(message));
  }
});

test('whatever bytes stand in an index, it is read or refused in bounded time', async () => {
  await using shop = await openWorkshop();
  await threePoints(shop);
  const path = shop.path('p1.index');
  const good = await readFile(path);
  const edit = fc.record({ at: fc.nat(good.length - 9), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) });
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
      await writeFile(path, good);
      await forge(path, (bytes) => {
        for (const { at, value } of edits) bytes.writeBigUInt64BE(value, at);
        bytes.writeBigUInt64BE(BigInt(capacity), 24);
        return bytes;
      });
      const outcome = await openIndex(path, { verify: 'all' }).then(
        async (index) => index[Symbol.asyncDispose](),
        (error: unknown) => error,
      );
      if (outcome !== undefined) expect(outcome).toMatchObject({ code: 'repository.damaged' });
    }),
    { numRuns: 200 },
  );
});

test('random changes over random chains never make two files say different things', async () => {
  await using shop = await openWorkshop();
  await fc.assert(
    fc.asyncProperty(changes, changes, async (one, other) => {
      const [a, b] = [changed(emptyModel(), one), changed(emptyModel(), other)];
      const roots = [await writeModel(shop.path('a.index'), a), await writeModel(shop.path('b.index'), b, alone(2))];
      expect(roots[0] === roots[1]).toBe(a.equals(b));
    }),
    { numRuns: 20 },
  );
});

test('a file that is longer than an index of its capacity, or below one of another capacity, is refused by its header', async () => {
  await using shop = await openWorkshop();
  await threePoints(shop);
  const good = await readFile(shop.path('p0.index'));
  const footer = good.subarray(-64);
  const forged = async (name: string, size: number, disk: number): Promise<void> => {
    const head = Buffer.from(good.subarray(0, 64));
    head.writeBigUInt64BE(BigInt(disk), 24);
    head.writeUInt32BE(Math.ceil(disk / 2 ** 28), 32);
    const foot = Buffer.from(footer);
    foot.writeBigUInt64BE(BigInt(size), 32);
    await using file = await open(shop.path(name), 'w');
    await file.write(head, 0, head.length, 0);
    await file.write(foot, 0, foot.length, size - foot.length);
  };
  await forged('long.index', 2 ** 40, 64 * MiB);
  await expect(openIndex(shop.path('long.index'))).rejects.toMatchObject(damaged(/too long for its capacity/));
  await forged('p0.index', 2 ** 38, 2 ** 50);
  await expect(openIndex(shop.path('p1.index'))).rejects.toMatchObject(damaged(/is about a disk of 1125899906842624/));
});
