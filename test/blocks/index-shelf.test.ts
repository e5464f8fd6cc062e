import { copyFile, rename } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openIndex } from '../../src/blocks/block-index.ts';
import { alone } from '../../src/blocks/index-form.ts';
import { createIndexShelf } from '../../src/blocks/index-shelf.ts';
import { touched } from '../fuzz/touched.ts';
import { changed, emptyModel, pageBytes, writeModel, type Model } from './index-model.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const pathIn = (shop: Workshop, at: number): string => shop.path(`p${at}.index`);

/** Each is built on the one before. */
async function chainIn(shop: Workshop, count: number): Promise<Model[]> {
  const models: Model[] = [];
  for (let at = 0; at < count; at++) {
    models.push(changed(models.at(-1) ?? emptyModel(), [{ first: at * 7, count: 3, step: 2, value: at + 1 }]));
    if (at === 0) await writeModel(pathIn(shop, at), models[at]!, alone(2));
    else {
      await using index = await openIndex(pathIn(shop, at - 1));
      await writeModel(pathIn(shop, at), models[at]!, { format: 2, parent: { name: `p${at - 1}`, index } });
    }
  }
  return models;
}

test('each index of a chain opens its own file only, and says what it says without a shelf', async () => {
  await using shop = await openWorkshop();
  await using shelf = createIndexShelf();
  const models = await chainIn(shop, 6);
  for (const [at, model] of models.entries()) {
    const path = pathIn(shop, at);
    const { result, paths } = await touched(() => openIndex(path, { shelf, verify: 'own' }));
    await using index = result;
    expect(paths.filter((name) => name.endsWith('.index'))).toEqual([path]);
    expect(index.levels.map((level) => level.path)).toEqual(
      Array.from({ length: at + 1 }, (_, below) => pathIn(shop, at - below)),
    );
    expect((await index.page(0))?.equals(model.subarray(0, pageBytes))).toBe(true);
  }
});

test('a file that was replaced is opened again, and what does not fit it any more is refused', async () => {
  await using shop = await openWorkshop();
  await using shelf = createIndexShelf();
  await chainIn(shop, 3);
  {
    await using _below = await openIndex(pathIn(shop, 1), { shelf });
  }
  // The same content in another file, as a removal writes it.
  await copyFile(pathIn(shop, 0), shop.path('copy'));
  await rename(shop.path('copy'), pathIn(shop, 0));
  const again = await touched(() => openIndex(pathIn(shop, 2), { shelf, verify: 'all' }));
  await using _index = again.result;
  expect(again.paths.filter((name) => name.endsWith('.index'))).toEqual([2, 1, 0].map((at) => pathIn(shop, at)));
  await writeModel(pathIn(shop, 0), emptyModel(), alone(2));
  await expect(openIndex(pathIn(shop, 2), { shelf })).rejects.toMatchObject({ code: 'repository.damaged' });
});
