/**
 * `npm run docs:pictures`: takes the pictures of docs/web.md anew, of screens with made-up VMs. The same commit makes the same pictures:
 * the clock of the page stands still.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { openPage } from './browser.ts';
import { standIn } from './stand-in.ts';
import { worldOf } from './worlds.ts';

/** Tuesday morning, after the night's backups. */
const now = Date.UTC(2026, 10, 24, 7, 30);

/** What is shown of each screen. */
const screens = [
  { name: 'status', path: '/', wait: 'Needs you (4)', part: '.grid-table tbody tr' },
  { name: 'vm', path: '/vms/db01', wait: 'db01', part: '.chain li' },
  { name: 'runs', path: '/runs', wait: 'Runs', part: 'main tbody tr' },
] as const;

export const schemes = ['light', 'dark'] as const;

/** Names of the files, without folder. */
export const pictureNames = screens.flatMap(({ name }) => schemes.map((scheme) => `${name}-${scheme}.png`));

/** The most that one may have, bytes: people load them with the page that shows them. */
export const mostBytes = 150_000;

/** @param page folder with the built page */
export async function takePictures(
  browser: Browser,
  { page: built, folder }: { readonly page: string; readonly folder: string },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await using hub = await standIn(worldOf({ now, vms: 41 }), { folder: built });
  for (const colorScheme of schemes) {
    await using opened = await openPage(browser, {
      colorScheme,
      viewport: { width: 1120, height: 720 },
      reducedMotion: 'reduce',
    });
    const { page } = opened;
    await page.clock.setFixedTime(now);
    for (const { name, path, wait, part } of screens) {
      await page.goto(`${hub.url}${path}`);
      await page.getByRole('heading', { name: wait }).first().waitFor();
      // What is asked for apart from the rest.
      await page.locator(part).first().waitFor();
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`), animations: 'disabled' });
    }
  }
}
