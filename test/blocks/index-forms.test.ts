import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createIndexWriter, openIndex } from '../../src/blocks/block-index.ts';
import { changedBetween } from '../../src/blocks/changed-between.ts';
import { alone } from '../../src/blocks/index-form.ts';
import { capacity, changed, changes, emptyModel, readModel, rewrite, writeModel, type Model } from './index-model.ts';
import { MiB, openWorkshop } from './workshop.ts';

const name = (at: number): string => `p${at}`;

test('whatever the forms of the indexes of a chain, each says what it was made of, and its root is that of format 1', async () => {
  await using shop = await openWorkshop();
  const path = (at: number): string => shop.path(`${name(at)}.index`);
  const forms = fc.constantFrom('old', 'alone', 'on the parent' as const);
  const step = fc.record({ form: forms, list: changes });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const models: Model[] = [];
      for (const [at, { form, list }] of steps.entries()) {
        const model = changed(models.at(-1) ?? emptyModel(), list);
        models.push(model);
        const expected = await writeModel(shop.path('plain'), model);
        if (form === 'on the parent' && at > 0) {
          await using index = await openIndex(path(at - 1));
          const parent = { name: name(at - 1), index };
          expect(await writeModel(path(at), model, { format: 2, parent })).toBe(expected);
        } else {
          expect(await writeModel(path(at), model, alone(form === 'old' ? 1 : 2))).toBe(expected);
        }
        const sizes = await Promise.all([path(at), shop.path('plain')].map(async (file) => (await stat(file)).size));
        expect(sizes[0]! - sizes[1]!).toBeLessThanOrEqual(160 - 64 + 4 * 4);
      }
      for (const [at, model] of models.entries()) expect((await readModel(path(at))).equals(model)).toBe(true);
      const [first, last] = [models[0]!, models.at(-1)!];
      const differing = (await changedBetween(path(0), path(models.length - 1))).reduce((sum, e) => sum + e.length, 0);
      expect(differing).toBe(bytesThatDiffer(first, last));
    }),
    { numRuns: 25 },
  );
});

function bytesThatDiffer(one: Buffer, other: Buffer): number {
  let bytes = 0;
  for (let at = 0; at < one.length; at += 32) {
    if (one.compare(other, at, at + 32, at, at + 32) === 0) continue;
    bytes += Math.min(65536, capacity - (at / 32) * 65536);
  }
  return bytes;
}

test('an index that is put onto another, or made to stand alone, says the same, and so does what is built on it', async () => {
  await using shop = await openWorkshop();
  const path = (at: number): string => shop.path(`${name(at)}.index`);
  const count = 5;
  const targets = fc.constantFrom('alone', 'old', 'grandparent' as const);
  await fc.assert(
    fc.asyncProperty(
      fc.array(changes, { minLength: count, maxLength: count }),
      fc.integer({ min: 1, max: count - 1 }),
      targets,
      fc.boolean(),
      async (lists, moved, target, oldBelow) => {
        const models: Model[] = [];
        for (const [at, list] of lists.entries()) {
          models.push(changed(models.at(-1) ?? emptyModel(), list));
          if (at === 0) {
            await writeModel(path(at), models[at]!, alone(oldBelow ? 1 : 2));
            continue;
          }
          await using index = await openIndex(path(at - 1));
          await writeModel(path(at), models[at]!, { format: 2, parent: { name: name(at - 1), index } });
        }
        {
          await using index = await openIndex(path(moved));
          await using below = target === 'grandparent' && moved > 1 ? await openIndex(path(moved - 2)) : null;
          const parent = below && { name: name(moved - 2), index: below };
          await rewrite(index, { format: target === 'old' ? 1 : 2, parent }, shop.path('part'));
        }
        await writeFile(path(moved), await readFile(shop.path('part')));
        // As if its parent were merged into it.
        await rm(path(moved - 1));
        for (const [at, model] of models.entries())
          if (at !== moved - 1) expect((await readModel(path(at))).equals(model)).toBe(true);
      },
    ),
    { numRuns: 25 },
  );
});

test('2 TiB with 200 MiB scattered over it take less than 1 MB, an increment of the same with nothing changed too', async () => {
  await using shop = await openWorkshop();
  const size = 2 ** 41;
  const written: number[] = [];
  {
    await using writer = await createIndexWriter(shop.path('p0.index'), { capacity: size, form: alone(2) });
    for (let page = 0; page < 3200; page++) {
      const digests = Buffer.alloc(4096 * 32);
      digests.fill(page % 251 || 1, (page % 4096) * 32, (page % 4096) * 32 + 32);
      await writer.writePage(page, digests);
    }
    written.push((await writer.finish()).indexBytes);
  }
  {
    await using index = await openIndex(shop.path('p0.index'));
    const form = { format: 2, parent: { name: 'p0', index } } as const;
    await using writer = await createIndexWriter(shop.path('p1.index'), { capacity: size, form });
    for (let page = 0; page < index.pageCount; page++) writer.takeOver(page);
    const { root, indexBytes } = await writer.finish();
    expect(root).toBe(index.root);
    written.push(indexBytes);
  }
  expect(written[0]).toBeLessThan(1_000_000);
  expect(written[1]).toBeLessThan(400_000);
});

test('of a dense page of which 1 % of the blocks changed, only these are stored', async () => {
  await using shop = await openWorkshop();
  const dense = Buffer.alloc(4096 * 32, 7);
  const size = 256 * MiB;
  {
    await using writer = await createIndexWriter(shop.path('p0.index'), { capacity: size, form: alone(2) });
    await writer.writePage(0, dense);
    await writer.finish();
  }
  await using index = await openIndex(shop.path('p0.index'));
  for (let block = 0; block < 4096; block += 100) dense.fill(9, block * 32, block * 32 + 32);
  await using writer = await createIndexWriter(shop.path('p1.index'), {
    capacity: size,
    form: { format: 2, parent: { name: 'p0', index } },
  });
  await writer.writePage(0, dense);
  expect((await writer.finish()).indexBytes).toBeLessThan(2000);
});
