/** The pictures of docs/web.md: that they can be taken, and that those in the documentation are small and all used. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openBrowser } from './browser.ts';
import { builtPage } from './built-page.ts';
import { mostBytes, pictureNames, takePictures } from './take-pictures.ts';

const docs = join(import.meta.dirname, '../../docs');

test('`npm run docs:pictures` takes each picture of docs/web.md, and each is small', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pictures-'));
  const browser = await openBrowser();
  try {
    await takePictures(browser, { page: builtPage, folder });
  } finally {
    await browser.close();
  }
  const made = readdirSync(folder);
  const sizes = [folder, join(docs, 'pictures')].flatMap((where) =>
    readdirSync(where).map((name) => statSync(join(where, name)).size),
  );
  rmSync(folder, { recursive: true });
  expect(made.toSorted()).toEqual([...pictureNames].toSorted());
  expect(readdirSync(join(docs, 'pictures')).toSorted()).toEqual([...pictureNames].toSorted());
  expect(Math.max(...sizes)).toBeLessThan(mostBytes);
  const text = readFileSync(join(docs, 'web.md'), 'utf8');
  for (const name of pictureNames) expect(text).toContain(`(pictures/${name})`);
});
