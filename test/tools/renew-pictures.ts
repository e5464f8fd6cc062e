/** Called by `npm run docs:pictures`. */
import { join } from 'node:path';
import { launchBrowser } from '../web/browser.ts';
import { builtPage } from '../web/built-page.ts';
import { takePictures } from '../web/take-pictures.ts';

const browser = await launchBrowser();
try {
  await takePictures(browser, { page: builtPage, folder: join(import.meta.dirname, '../../docs/pictures') });
} finally {
  await browser.close();
}
