import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openBrowser, openPage } from './browser.ts';
import { builtPage } from './built-page.ts';
import { findings, soundInEachLook } from './findings.ts';
import { standIn, type StandIn } from './stand-in.ts';
import { hostileNames, worldOf } from './worlds.ts';

const now = Date.now();
const few = worldOf({ now, vms: 41 });
const hostile = worldOf({ now, vms: 14, names: hostileNames });
let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());

const serve = (world = few): Promise<StandIn> => standIn(world, { folder: builtPage });

const heading = (page: Page): ReturnType<Page['getByRole']> => page.getByRole('heading', { level: 1 });

describe('the page', () => {
  test('the login refuses with the words of the hub, keeps the name, and then shows Status', async () => {
    await using at = await serve();
    at.loggedIn = false;
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(at.url);
    await page.getByLabel('Name').fill('anna');
    await page.getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('the name or the password is wrong').waitFor();
    expect(await page.getByLabel('Name').inputValue()).toBe('anna');
    await page.getByLabel('Password').fill('right');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: '38 of 41 VMs are protected as their plans want.' }).waitFor();
    expect(complaints).toEqual([]);
  });

  test('Status says what is wrong first, and each day has a shape and words', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(at.url);
    await page.getByRole('heading', { name: 'Needs you (4)' }).waitFor();
    expect(await page.title()).toBe('(4) Status · Sendense');
    await page.getByText('Node site-b is not connected').waitFor();
    const strip = page.getByRole('row', { name: 'mail04' }).getByRole('img');
    expect(await strip.getAttribute('aria-label')).toMatch(/backed up.*no backup/);
    expect(complaints).toEqual([]);
  });

  test('what runs says how far it is, on Status and disk by disk', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(at.url);
    const running = page.getByRole('region', { name: 'Running now (2)' }).getByRole('listitem');
    await running.nth(0).getByText('12.2 / 40 GiB · 113 MiB/s · 4 min left').waitFor();
    await running.nth(1).getByText('38 of 300, 2 failed, 12 min left').waitFor();
    await page.goto(`${at.url}/runs/r-now`);
    const disks = page.getByRole('region', { name: 'Copy the disks' });
    await disks.getByText('113 MiB/s').waitFor();
    expect(await disks.getByRole('progressbar').first().getAttribute('value')).toBe('30');
    expect(await findings(page)).toEqual([]);
    // Nobody says more: it is told how old that is.
    await disks.getByText(/^as of \d+ s ago$/).waitFor();
    expect(complaints).toEqual([]);
  });

  test('links, back and reload lead where they should, and the title has the focus', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page } = opened;
    await page.goto(at.url);
    await page.getByRole('link', { name: 'Runs', exact: true }).click();
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    await expect.poll(() => page.evaluate('document.activeElement?.tagName')).toBe('H1');
    await page.getByRole('button', { name: 'Failed' }).click();
    expect(page.url()).toBe(`${at.url}/runs?status=failed`);
    await page.reload();
    await page.locator('[aria-pressed=true]', { hasText: 'Failed' }).waitFor();
    await page.goBack();
    await heading(page).getByText('38 of 41').waitFor();
    await page.goto(`${at.url}/no/such/place`);
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  });

  test('VMs are found, narrowed and sorted, and the address has all of it', async () => {
    await using at = await serve(worldOf({ now, vms: 300 }));
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(`${at.url}/vms`);
    const row = page.getByRole('row');
    await expect.poll(() => row.count()).toBe(301);
    // What is wrong comes first.
    expect(await row.nth(1).textContent()).not.toContain('protected');
    await page.getByRole('button', { name: 'Size' }).click();
    await page.getByRole('button', { name: 'Size' }).click();
    await page.getByRole('columnheader', { name: 'Size' }).and(page.locator('[aria-sort=descending]')).waitFor();
    await page.getByRole('button', { name: 'Protected', exact: true }).click();
    await page.getByRole('searchbox', { name: 'Find a VM or plan' }).fill('PG1');
    expect(page.url()).toBe(`${at.url}/vms?sort=-size&state=protected&find=PG1`);
    const names = await page.getByRole('rowheader').allTextContents();
    expect(names).toEqual(names.toSorted().toReversed());
    await page.reload();
    await expect.poll(() => page.getByRole('rowheader').allTextContents()).toEqual(names);
    await page.getByRole('searchbox').fill('nothing has this');
    await page.getByRole('link', { name: 'Show all 300 VMs' }).press('Enter');
    await expect.poll(() => row.count()).toBe(301);
    expect(complaints).toEqual([]);
  });

  test('a run that failed says what happened and what to do', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(`${at.url}/runs/r-1`);
    await page.getByRole('heading', { name: 'backup of pg01' }).waitFor();
    await page.getByText('the node did not answer for 60 s while pg01 was read', { exact: true }).waitFor();
    await page.getByText('sendense-node doctor').waitFor();
    await page.getByText('/etc/sendense/plans/pg01.yaml:7:3').first().waitFor();
    expect(await page.getByRole('listitem').filter({ hasText: 'node.transfer' }).getByText('failed').count()).toBe(1);
    expect(await findings(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('a log is searched, and a link leads to one of its lines', async () => {
    await using at = await serve();
    await using opened = await openPage(browser, { viewport: { width: 375, height: 800 } });
    const { page, complaints } = opened;
    await page.goto(`${at.url}/runs/r-1`);
    const log = page.getByRole('region', { name: 'Lines of the log' });
    await log.getByText('failed: node.unreachable').waitFor();
    expect(await log.getByRole('listitem').count()).toBe(115);
    expect(await log.getByText('onerror=alert(1)').count()).toBe(1);
    // A step may last longer than its run says it did: they are measured apart. Its bar stays on the screen all the same.
    const bar = page.locator('.lane > span').last();
    await bar.evaluate((part: { style: { cssText: string } }) => {
      part.style.cssText = 'inset-inline-start: 50%; inline-size: 100%';
    });
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await page.getByRole('searchbox', { name: 'Search the log' }).fill('COPYING, 50 %');
    await page.getByText('1 line of 115').waitFor();
    await page.getByRole('link', { name: 'First error' }).click();
    expect(page.url()).toMatch(/#L115$/);
    await page.reload();
    await expect.poll(() => log.getByText('failed: node.unreachable').isVisible()).toBe(true);
    expect(await log.locator('.linked').textContent()).toContain('node.unreachable');
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    expect(await findings(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('a hub that is silent is told, what was read stays, and goes on when it speaks again', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page } = opened;
    await page.goto(at.url);
    await heading(page).getByText('38 of 41').waitFor();
    at.silence();
    await page.getByRole('alert').getByText('The hub has not answered since').waitFor();
    expect(await heading(page).textContent()).toContain('38 of 41');
    at.speak();
    await expect.poll(() => page.getByRole('alert').count()).toBe(0);
  });

  test('a session that ends asks for the login above what is on the screen', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page } = opened;
    await page.goto(`${at.url}/runs`);
    await page.getByLabel('VM').fill('typed');
    at.loggedIn = false;
    const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
    await dialog.waitFor();
    await dialog.getByLabel('Name').fill('anna');
    await dialog.getByLabel('Password').fill('right');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    expect(await page.getByLabel('VM').inputValue()).toBe('typed');
  });

  test('names that somebody chose to do harm are only names', async () => {
    await using at = await serve(hostile);
    await using opened = await openPage(browser, { viewport: { width: 320, height: 700 } });
    const { page, complaints } = opened;
    for (const path of ['/', '/vms', '/runs', '/runs/r-1']) {
      await page.goto(`${at.url}${path}`);
      await page.getByText('onerror=alert(1)').first().waitFor();
      await page.getByText('pg\\u202etxt.exe').first().waitFor();
      // Nothing is wider than the window.
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), path).toBe(true);
    }
    expect(complaints).toEqual([]);
  });

  test('a VM shows what is built on what, and what proves and keeps it; each look is sound', async () => {
    await using at = await serve(hostile);
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(`${at.url}/vms/${encodeURIComponent(hostileNames[0] ?? '')}`);
    await page.getByRole('heading', { level: 1, name: 'onerror=alert(1)' }).waitFor();
    const points = page.getByRole('list', { name: 'The newest first' }).locator(':scope > li');
    await expect.poll(() => points.count()).toBe(6);
    expect(await points.nth(0).textContent()).toMatch(/incremental, built on .*primary.*digests FAILED/);
    expect(await points.nth(1).textContent()).not.toContain('built on');
    expect(await points.nth(3).textContent()).toContain('damaged');
    expect(
      await points
        .nth(4)
        .getByRole('button', { name: /^Unprotect/ })
        .count(),
    ).toBe(1);
    expect(await points.nth(5).textContent()).toContain('proven: deep');
    await soundInEachLook(page, 'vm');
    await points
      .nth(0)
      .getByRole('button', { name: /^Protect/ })
      .press('Enter');
    await page.getByRole('dialog').getByLabel('How long').waitFor();
    await soundInEachLook(page, 'protect');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('the keyboard alone gets past the navigation and to each VM', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page } = opened;
    await page.goto(at.url);
    await heading(page).getByText('38 of 41').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement?.textContent')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement?.id')).toBe('main');
  });

  test.each(['/', '/vms', '/runs'])('each look is sound: %s', async (path) => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page } = opened;
    await page.goto(`${at.url}${path}`);
    await page.getByRole('row').nth(3).waitFor();
    await soundInEachLook(page, path.replace('/', 'list-'));
  });

  test('without a VM each screen says what to do next', async () => {
    await using at = await serve(worldOf({ now, vms: 0 }));
    await using opened = await openPage(browser);
    const { page } = opened;
    await page.goto(at.url);
    await page.getByText('sendense-run init').waitFor();
    await page.goto(`${at.url}/vms`);
    await page.getByText('No plan names a VM yet').waitFor();
    await page.goto(`${at.url}/runs`);
    await page.getByText('Nothing has run yet.').waitFor();
  });

  test('the first load of Status is under 60 kB', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page } = opened;
    const loaded: Promise<Buffer>[] = [];
    page.on('response', (response) => {
      if (!response.url().includes('/api/')) loaded.push(response.body());
    });
    await page.goto(at.url);
    await page.getByRole('row').nth(3).waitFor();
    const bytes = (await Promise.all(loaded)).map((body) => gzipSync(body).length);
    expect(bytes.length).toBeGreaterThan(4);
    expect(bytes.reduce((sum, one) => sum + one)).toBeLessThan(60_000);
  });
});
