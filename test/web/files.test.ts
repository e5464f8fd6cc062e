/** The file manager of the page, at a hub that has what these tests say it has. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, openPage } from './browser.ts';
import { standsOut } from './contrast.ts';
import { builtPage } from './built-page.ts';
import { filesWorld, shownNames } from './files-world.ts';
import { soundInEachLook } from './findings.ts';
import { all } from '../support/rounds.ts';
import { failure, standIn, type StandIn } from './stand-in.ts';

const now = Date.now();
let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());

const serve = (many?: number): Promise<StandIn> =>
  standIn(filesWorld({ now, ...(many === undefined ? {} : { many }) }), { folder: builtPage });

const idOf = (path: string): string => Buffer.from(path).toString('base64url');
const at = (path: string): string => `/files/pg01?volume=disk-0p2&path=${idOf(path)}`;
const grid = (page: Page, name = 'Names in this folder') => page.getByRole('grid', { name });
const fits = (page: Page) => page.evaluate('document.documentElement.scrollWidth <= innerWidth');

test('from a VM to its volumes: what can be read, and why the rest cannot; each look is sound', async () => {
  await using stand = await serve();
  await using opened = await openPage(browser);
  const { page, complaints } = opened;
  await page.goto(`${stand.url}/files`);
  await page.getByRole('link', { name: 'pg01' }).last().click();
  const rows = page.getByRole('region', { name: 'Volumes' }).getByRole('row');
  await expect.poll(() => rows.count()).toBe(7);
  expect(await rows.nth(2).textContent()).toContain('<b>root</b>');
  expect(await rows.nth(3).textContent()).toContain('swap holds no files');
  expect(await rows.nth(5).textContent()).toContain('BitLocker cannot be opened');
  expect(await rows.nth(6).textContent()).toContain('hibernated');
  expect(await page.getByRole('button', { name: /^Unlock/ }).count()).toBe(1);
  await soundInEachLook(page, 'volumes');
  await page.getByRole('link', { name: 'disk-0p2' }).click();
  await grid(page).getByText('passwd').waitFor();
  await soundInEachLook(page, 'folder');
  await grid(page).getByText('passwd').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Preview' }).click();
  await page.getByRole('dialog').getByText('root:x:0:0').waitFor();
  await soundInEachLook(page, 'preview');
  await standsOut(page, 'dialog[open]', 'preview');
  expect(complaints).toEqual([]);
});

test('the keyboard alone: it moves, selects, opens, and goes up', async () => {
  await using stand = await serve();
  await using opened = await openPage(browser);
  const { page } = opened;
  await page.goto(`${stand.url}${at('')}`);
  const list = grid(page);
  await list.getByText('passwd').waitFor();
  await list.focus();
  for (const key of ['ArrowDown', 'Space', 'Shift+ArrowDown', 'Shift+ArrowDown']) await page.keyboard.press(key);
  await page.getByText('3 selected, 0 B and what is in 3 folders').waitFor();
  await page.keyboard.press('Control+a');
  await page.getByText('7 selected').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'zeros' }).waitFor();
  await page.keyboard.press('Escape');
  await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  await list.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await list.getByText('onerror=alert(1)').first().waitFor();
  const hasFocus = (): Promise<boolean> => list.evaluate((element) => element.matches(':focus'));
  await expect.poll(hasFocus).toBe(true);
  await page.keyboard.press('Backspace');
  await list.getByText('passwd').waitFor();
  await expect.poll(hasFocus).toBe(true);
  await page.goBack();
  await list.getByText('onerror=alert(1)').first().waitFor();
});

test('names that somebody chose to do harm are only names, and are downloaded', async () => {
  await using stand = await serve();
  await using opened = await openPage(browser, { viewport: { width: 320, height: 700 } });
  const { page, complaints } = opened;
  await page.goto(`${stand.url}${at('hostile')}`);
  for (const name of shownNames)
    await grid(page)
      .locator(`a[title=${JSON.stringify(name)}]`)
      .waitFor();
  expect(await fits(page)).toBe(true);
  await grid(page).getByRole('checkbox').nth(10).click();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download', exact: true }).click();
  expect(readFileSync(await (await saved).path(), 'utf8')).toBe('hostile/10');
  await page.getByText('caf\\xe9: handed over').waitFor();
  expect(complaints).toEqual([]);
});

test('a folder of very many names scrolls without a long task, and is sorted, narrowed and selected whole', async () => {
  const many = all ? 100_000 : 20_000;
  const last = `${many - 1}`.padStart(6, '0');
  await using stand = await serve(many);
  await using opened = await openPage(browser);
  const { page } = opened;
  await page.goto(`${stand.url}${at('many')}`);
  await page.getByText(`${many} names`, { exact: true }).waitFor();
  expect(await grid(page).getAttribute('aria-rowcount')).toBe(`${many + 1}`);
  expect(await grid(page).getByRole('row').count()).toBeLessThan(80);
  await page.evaluate(() => {
    const long: number[] = [];
    const observer = new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration)));
    // The types are those of Node, which has no long tasks.
    observer.observe({ type: 'longtask' as 'measure' });
    Object.assign(globalThis, { long });
  });
  const box = await grid(page).boundingBox();
  await page.mouse.move((box?.x ?? 0) + 100, (box?.y ?? 0) + 200);
  for (let turn = 0; turn < 40; turn++) await page.mouse.wheel(0, 5000);
  await grid(page).focus();
  await page.keyboard.press('End');
  await grid(page).getByText(`file-${last}`).waitFor();
  const longest = await page.evaluate(() => Math.max(0, ...(globalThis as unknown as { long: number[] }).long));
  // A figure, for who asks: 200 ms is what a quiet machine has to keep.
  if (process.env['FIGURES'] !== undefined) {
    // oxlint-disable-next-line no-console -- that is what was asked for
    console.log(`longest task while scrolling: ${Math.round(longest)} ms`);
    expect(longest).toBeLessThan(200);
  }
  await page.getByRole('button', { name: 'Size' }).click();
  await page.keyboard.press('Control+a');
  await page.getByRole('searchbox', { name: 'Narrow this folder' }).fill(`file-${last.slice(0, 3)}0`);
  await page.getByText(`100 of ${many} names`).waitFor();
  await grid(page).focus();
  await page.keyboard.press('Control+a');
  await page.getByText(/^100 selected/).waitFor();
});

test('a search, a comparison and versions say what they found, and where', async () => {
  await using stand = await serve();
  await using opened = await openPage(browser);
  const { page, complaints } = opened;
  await page.goto(`${stand.url}${at('')}`);
  await page.getByRole('searchbox', { name: 'Search below this folder' }).fill('nginx');
  await page.keyboard.press('Enter');
  await grid(page, 'What was found').getByText('etc/*nginx*.conf').waitFor();
  await page.getByText('4711 names looked at. 2 found.').waitFor();
  await page.getByText('/lost+found: EIO').waitFor();
  await page.getByLabel('in all 5 restore points').check();
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByText('5 of 5 restore points searched.').waitFor();
  await grid(page, 'What was found').getByText('in 5').first().waitFor();
  await page.getByLabel('Compare with').selectOption({ index: 2 });
  const differences = grid(page, 'What differs');
  await differences.getByText('etc/new').waitFor();
  expect(await differences.getByRole('row').allTextContents()).toEqual(
    expect.arrayContaining([expect.stringMatching(/^removed.*etc\/old/)]),
  );
  await page.getByRole('button', { name: 'Removed' }).click();
  await expect.poll(() => differences.getByRole('row').count()).toBe(2);
  await page.goto(`${stand.url}${at('')}&file=${idOf('passwd')}`);
  await page.getByRole('button', { name: 'Versions' }).click();
  await page.getByText('5 of 5 restore points looked into.').waitFor();
  await page.getByText(/^5 restore points, /).waitFor();
  expect(complaints).toEqual([]);
});

test('what breaks off or does not begin says why; a session that ended is opened again', async () => {
  await using stand = await serve();
  await using opened = await openPage(browser);
  const { page, complaints } = opened;
  await page.goto(`${stand.url}${at('')}`);
  await grid(page).getByText('passwd').waitFor();
  await grid(page).getByRole('checkbox', { name: 'Select etc' }).click();
  await page.getByRole('button', { name: 'Download zip' }).click();
  await page.getByText('etc.zip broke off after 99 B').waitFor();
  await page.getByText('the file ends after 5 bytes').waitFor();
  const list = stand.world['GET /api/v1/restore/s1/files'];
  let ended = 1;
  stand.world['GET /api/v1/restore/s1/files'] = (query, body) =>
    ended-- > 0
      ? failure(404, 'files.session', 'no restore point is open as s1', 'Open it again.')
      : (list?.(query, body) ?? {});
  const before = stand.asked.filter((one) => one.startsWith('POST /api/v1/restore/mount')).length;
  await grid(page).getByRole('link', { name: 'many' }).click();
  await grid(page).getByText('file-000000').waitFor();
  expect(stand.asked.filter((one) => one.startsWith('POST /api/v1/restore/mount')).length).toBe(before + 1);
  stand.world['POST /api/v1/restore/mount'] = () =>
    failure(429, 'files.limit', 'no more than 10 may be open at a time', 'Close one.');
  await page.goto(`${stand.url}${at('')}`);
  await page.getByText('no more than 10 may be open at a time').waitFor();
  await page.getByRole('button', { name: 'Close pg01' }).waitFor();
  expect(complaints).toEqual([]);
});

test('a preview is text or a picture, never markup; the command names the same files', async () => {
  await using stand = await serve();
  await using opened = await openPage(browser);
  const { page, complaints } = opened;
  const preview = async (name: string): Promise<void> => {
    await page.goto(`${stand.url}${at('')}&file=${idOf(name)}`);
    await page.getByRole('button', { name: 'Preview' }).click();
  };
  await preview('passwd');
  await page.getByText('<script>alert(1)</script>').waitFor();
  await page.getByText('\\u202eevil').waitFor();
  await preview('picture.png');
  await expect
    .poll(() =>
      page
        .getByRole('img', { name: /Content of/ })
        .evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
    )
    .toBe(1);
  await preview('zeros');
  await page.getByText('neither text nor a picture').waitFor();
  await page.getByRole('button', { name: 'The command for this' }).click();
  await page
    .getByText('sendense-run files get pg01@p-5 disk-0p2:/zeros --repository primary --to ./restored')
    .waitFor();
  expect(complaints).toEqual([]);
});
