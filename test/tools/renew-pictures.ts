/** Called by `npm run docs:pictures`. */
import { join } from 'node:path';
import { openBrowser } from '../web/browser.ts';
import { builtPage } from '../web/built-page.ts';
import { takePictures } from '../web/take-pictures.ts';

const browser = await openBrowser();
try {
  using built = builtPage();
  await takePictures(browser, { page: built.folder, folder: join(import.meta.dirname, '../../docs/pictures') });
} finally {
  await browser.close();
}
