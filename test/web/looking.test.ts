/** The screens that show what there is: schedule, nodes, notices, audit. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openBrowser, openPage } from './browser.ts';
import { builtPage, type BuiltPage } from './built-page.ts';
import { findings, looks } from './findings.ts';
import { lookingWorld } from './looking-worlds.ts';
import { standIn, type StandIn } from './stand-in.ts';
import { hostileNames } from './worlds.ts';

const now = Date.now();
const few = lookingWorld({ now, vms: 30 });
let browser: Browser;
let built: BuiltPage;

beforeAll(async () => {
  built = builtPage();
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  built?.[Symbol.dispose]();
});

const serve = (world = few): Promise<StandIn> => standIn(world, { folder: built.folder });

/** Every screen, and what it says where there is nothing. */
const screens = [
  { path: '/schedule', heading: 'Schedule', empty: 'No plan has a schedule yet.' },
  { path: '/repositories', heading: 'Repositories', empty: 'sendense.yaml names no repository.' },
  { path: '/repositories/primary?prune=weekly-prune', heading: 'primary', empty: null },
  { path: '/discovery?show=all', heading: 'Discovery', empty: 'sendense.yaml names no source.' },
  { path: '/nodes', heading: 'Nodes', empty: 'No node was added.' },
  { path: '/nodes/site-c', heading: 'site-c', empty: 'There is no node of this name.' },
  { path: '/notices', heading: 'Notices', empty: 'Nobody was told anything yet.' },
  { path: '/audit', heading: 'Audit', empty: null },
] as const;

describe('the screens for looking', () => {
  for (const look of looks)
    test(`hostile names are only names, nothing is wider than the window, axe finds nothing: ${JSON.stringify(look)}`, async () => {
      await using at = await serve(lookingWorld({ now, vms: 12, names: hostileNames }));
      await using opened = await openPage(browser, look);
      const { page, complaints } = opened;
      for (const { path, heading } of screens) {
        await page.goto(`${at.url}${path}`);
        await page.getByRole('heading', { level: 1, name: heading }).waitFor();
        await page.getByText('onerror=alert(1)').first().waitFor();
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), path).toBe(true);
        expect(await findings(page), path).toEqual([]);
      }
      expect(complaints).toEqual([]);
    });

  test('where there is nothing, each says what to do next', async () => {
    await using at = await serve(lookingWorld({ now, vms: 0 }));
    await using opened = await openPage(browser, { viewport: { width: 320, height: 700 } });
    const { page } = opened;
    for (const { path, empty } of screens) {
      if (empty === null) continue;
      await page.goto(`${at.url}${path}`);
      await page.getByText(empty).waitFor();
    }
  });

  test('the schedule leads to an hour, to another week, and lets a plan rest', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(`${at.url}/schedule`);
    const plans = page.getByRole('region', { name: 'Plans and days' });
    await expect.poll(() => plans.getByRole('row').count()).toBe(31);
    await page.getByText('7 runs want to go on at once').waitFor();
    await page.getByRole('link', { name: /^Tue \d+ 03:00: \d+ runs/ }).click();
    await expect.poll(() => plans.getByRole('row').count()).toBeLessThan(10);
    expect(page.url()).toContain('hour=');
    await page.getByRole('button', { name: /show all/ }).click();
    await page.getByRole('button', { name: 'Paused' }).click();
    await expect.poll(() => plans.getByRole('rowheader').allTextContents()).toHaveLength(2);
    await page.getByRole('link', { name: 'The week after' }).click();
    expect(page.url()).toMatch(/week=\d{4}-\d\d-\d\d$/);
    await page.goBack();
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await page.getByRole('button', { name: 'Pause pg01-nightly' }).press('Enter');
    await page.getByLabel('Why (others read it)').fill('moves');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    expect(at.asked).toContain('POST /api/v1/schedules/pg01-nightly/pause');
    expect(complaints).toEqual([]);
  });

  test('a repository says when it is full, what a prune frees, and is checked from there', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(`${at.url}/repositories`);
    await page.getByRole('link', { name: 'primary' }).click();
    await page.getByText('Full in about 42 days: between 34 days and 56 days.').waitFor();
    await page.getByLabel('By the retention of').selectOption('weekly-prune');
    await page.getByText('It would remove 42 of 342 restore points, and free 80 GiB to 95 GiB.').waitFor();
    expect(page.url()).toBe(`${at.url}/repositories/primary?prune=weekly-prune`);
    await page.getByText('7 more are not shown.').waitFor();
    await page.getByRole('button', { name: 'Look for damage' }).press('Enter');
    await page.getByLabel('How').selectOption('quick');
    await page.getByRole('button', { name: 'Check', exact: true }).click();
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    expect(at.asked).toContain('POST /api/v1/repositories/primary/check');
    expect(complaints).toEqual([]);
  });

  test('a source says which VMs no plan backs up and why, and how a plan is written', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(`${at.url}/discovery`);
    await page.getByText('No plan backs up 3 of its 12 VMs.').waitFor();
    const table = page.getByRole('region', { name: 'VMs of the source' }).getByRole('rowheader');
    await expect.poll(() => table.allTextContents()).toHaveLength(3);
    await page.getByRole('button', { name: 'Write a plan for pg01' }).press('Enter');
    await page.getByText('sendense-run discover vcenter --vm=/DC1/vm/pg01 --write-plan').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'All', exact: true }).click();
    await expect.poll(() => table.allTextContents()).toHaveLength(12);
    expect(page.url()).toBe(`${at.url}/discovery?show=all`);
    await page.getByRole('button', { name: 'Ask for its VMs' }).click();
    await page.getByLabel('Node that asks').selectOption('site-a');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await expect.poll(() => at.asked).toContain('POST /api/v1/sources/vcenter/discover');
    expect(complaints).toEqual([]);
  });

  test('notices are narrowed to what nobody got; the audit log to one name, page by page', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(`${at.url}/notices`);
    await page.getByText('30 notices').waitFor();
    await page.getByRole('button', { name: 'Not delivered' }).click();
    await page.getByText('6 notices').waitFor();
    expect(page.url()).toBe(`${at.url}/notices?outcome=failed`);
    await page.goto(`${at.url}/audit`);
    await page.getByText('50 entries').waitFor();
    await page.getByRole('button', { name: 'Show older entries' }).click();
    await page.getByText('100 entries').waitFor();
    await page.getByRole('link', { name: 'otto' }).first().click();
    expect(page.url()).toBe(`${at.url}/audit?who=otto`);
    const log = page.getByRole('region', { name: 'Audit log, the newest first' });
    await log.getByRole('link', { name: 'anna' }).first().waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'r-1', exact: true }).first().click();
    await page.waitForURL('**/runs/r-1');
    expect(complaints).toEqual([]);
  });
});
