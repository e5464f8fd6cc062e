/** Every dialog on a phone, in light and in dark; and how far what is on the screens stands out from its ground. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, openPage, type Opened } from './browser.ts';
import { builtPage } from './built-page.ts';
import { faint, forceStates, standsOut } from './contrast.ts';
import { dialogWorld, elsewhere, scenes, type Scene } from './scenes.ts';
import { standIn, type StandIn } from './stand-in.ts';
import { everyPlace } from './whole-world.ts';

const phone = { width: 390, height: 780 };

let browser: Browser;
let at: StandIn;
let opened: Opened;

beforeAll(async () => {
  browser = await openBrowser();
  at = await standIn(dialogWorld(Date.now()), { folder: builtPage });
  opened = await openPage(browser, { viewport: phone });
});
afterAll(async () => {
  await opened?.[Symbol.asyncDispose]();
  await at?.[Symbol.asyncDispose]();
  await browser?.close();
});

/** What `page.evaluate` sees of a dialog. */
interface Box {
  readonly scrollWidth: number;
  readonly clientWidth: number;
  readonly scrollTop: number;
}
declare function getComputedStyle(part: unknown): { readonly textAlign: string; readonly fontSize: string };
declare const document: {
  readonly activeElement: unknown;
  readonly documentElement: { readonly style: { setProperty(name: string, value: string): void } };
};

/** Opens it as the keyboard does. @returns what opened it, and the last dialog */
async function openScene(
  page: Page,
  { before, press: [first, ...more], typed = {}, shows }: Scene,
): Promise<{ opener: Locator; dialog: Locator }> {
  const named = (name: string): { name: RegExp } => ({ name: new RegExp(`^${name}`) });
  const onScreen = (name: string): Locator => page.getByRole('main').getByRole('button', named(name)).first();
  if (before !== undefined) await onScreen(before).press('Enter');
  const opener = onScreen(first);
  const dialog = page.getByRole('dialog').last();
  await opener.press('Enter');
  for (const name of more) {
    for (const [field, value] of Object.entries(typed)) await dialog.locator(`[name=${field}]`).fill(value);
    await dialog.getByRole('button', named(name)).first().press('Enter');
  }
  await dialog.getByText(shows).first().waitFor();
  return { opener, dialog };
}

const hasFocus = (button: Locator): Promise<boolean> => button.evaluate((part) => part === document.activeElement);

/** Whether it is in the window, and nothing lies over it. */
const isInSight = (button: Locator): Promise<boolean> =>
  button.evaluate(
    (part: {
      readonly ownerDocument: { elementFromPoint(x: number, y: number): unknown };
      getBoundingClientRect(): { x: number; y: number; width: number; height: number };
    }) => {
      const { x, y, width, height } = part.getBoundingClientRect();
      return part.ownerDocument.elementFromPoint(x + width / 2, y + height / 2) === part;
    },
  );

test('no dialog of the source is left out', () => {
  const folder = join(import.meta.dirname, '../../src/web');
  const files = globSync('**/*.tsx', { cwd: folder }).filter((file) =>
    /<(?:Act)?Dialog\b/.test(readFileSync(join(folder, file), 'utf8')),
  );
  const known = new Set([...Object.values(scenes).flatMap((those) => those.map(({ file }) => file)), ...elsewhere]);
  expect(files.toSorted()).toEqual([...known].toSorted());
});

test.each(Object.entries(scenes))(
  'the dialogs of %s fit on a phone, and give the focus back',
  async (address, those) => {
    const { page, complaints } = opened;
    at.loggedIn = true;
    await page.setViewportSize(phone);
    await page.goto(`${at.url}${address}`);
    for (const scene of those) {
      const name = scene.press.join(', ');
      const { opener, dialog } = await openScene(page, scene);
      expect.soft(await isInSight(dialog.locator('.act-buttons .button').last()), `${name}: its buttons`).toBe(true);
      const box = await dialog.evaluate((part: Box) => ({
        cut: part.scrollWidth > part.clientWidth,
        align: getComputedStyle(part).textAlign,
        size: getComputedStyle(part).fontSize,
      }));
      expect.soft(box, name).toEqual({ cut: false, align: 'start', size: '14.0625px' });
      await standsOut(page, 'dialog[open]', name);
      await page.keyboard.press('Escape');
      // What was typed is lost by the second one.
      if (scene.typed && scene.close === undefined) await page.keyboard.press('Escape');
      if (scene.close !== undefined) {
        await page.keyboard.press('Escape');
        await dialog.getByRole('button', { name: scene.close }).press('Enter');
      }
      await dialog.waitFor({ state: 'detached' });
      await expect.poll(() => hasFocus(opener), { message: `${name}: the focus`, timeout: 20_000 }).toBe(true);
    }
    expect(complaints).toEqual([]);
  },
);

test('a press between the fields, or a selection that ends beside it, closes no dialog', async () => {
  const { page } = opened;
  await page.goto(`${at.url}/users`);
  await page.getByRole('button', { name: 'Add a user' }).press('Enter');
  const dialog = page.getByRole('dialog');
  const { x = 0, y = 0, width = 0 } = (await dialog.boundingBox()) ?? {};
  await page.mouse.click(x + 4, y + 4);
  await page.mouse.move(x + width / 2, y + 60);
  await page.mouse.down();
  await page.mouse.move(x - 10, y + 60);
  await page.mouse.up();
  expect(await dialog.count()).toBe(1);
  // The second click of a double click closes none.
  await page.waitForTimeout(600);
  await page.mouse.click(x - 10, y + 60);
  await dialog.waitFor({ state: 'detached' });
});

test('what was typed is not lost by a click beside a dialog, nor by one Escape; a double click opens it once', async () => {
  const { page } = opened;
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(`${at.url}/users`);
  const dialog = page.getByRole('dialog');
  const opener = page.getByRole('button', { name: 'Add a user' });
  await opener.dblclick();
  const name = dialog.getByLabel('Name', { exact: true });
  await name.fill('anna');
  await page.mouse.click(5, 5);
  await page.keyboard.press('Escape');
  await dialog.getByText('What you typed is lost then').waitFor();
  expect(await name.inputValue()).toBe('anna');
  await name.press('Escape');
  await dialog.waitFor({ state: 'detached' });
});

test('the menu of a phone closes by Escape, and when the focus leaves it', async () => {
  const { page } = opened;
  await page.setViewportSize(phone);
  await page.goto(`${at.url}/vms`);
  const menu = page.getByRole('button', { name: 'Menu' });
  const status = page.getByRole('link', { name: 'Status', exact: true });
  await menu.press('Enter');
  await standsOut(page, '#rail', 'the menu');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Escape');
  await status.waitFor({ state: 'hidden' });
  expect(await hasFocus(menu)).toBe(true);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Dark' }).focus();
  await page.keyboard.press('Tab');
  await status.waitFor({ state: 'hidden' });
});

test('what stands out too little is found', async () => {
  const { page } = opened;
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(`${at.url}/repositories/primary`);
  await page.getByText('Look for damage').waitFor();
  await page.evaluate(() => {
    for (const name of ['ink-soft', 'line-strong', 'accent'])
      document.documentElement.style.setProperty(`--${name}`, '#ccc');
  });
  const states = await forceStates(page, 'body');
  const found = (await faint(page, 'body')).join('\n');
  await states.detach();
  for (const what of ['text', 'edge of', 'outline of', 'drawing']) expect(found).toContain(`: ${what} `);
});

const others = [{ address: '/login', shows: 'Password', loggedIn: false }] as const;

test.each([...everyPlace(), ...others])('$address ($shows) stands out from its ground', async (place) => {
  const { page } = opened;
  at.loggedIn = !('loggedIn' in place);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.goto(`${at.url}${place.address}`);
  await page.getByRole('main').getByText(place.shows).first().waitFor();
  await standsOut(page, 'body', place.address);
});
