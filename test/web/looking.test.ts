/** The screens that show what there is: schedule, nodes, notices, audit. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openBrowser, openPage, type Opened } from './browser.ts';
import { builtPage } from './built-page.ts';
import { findings, soundInEachLook } from './findings.ts';
import { lookingWorld } from './looking-worlds.ts';
import { standIn, type StandIn } from './stand-in.ts';
import { hostileNames } from './worlds.ts';

const now = Date.now();
const few = lookingWorld({ now, vms: 30 });
let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());

const serve = (world = few): Promise<StandIn> => standIn(world, { folder: builtPage });

/** Every screen, and what it says where there is nothing. */
const screens = [
  { path: '/schedule', heading: 'Schedule', empty: 'No plan has a schedule yet.' },
  { path: '/repositories', heading: 'Repositories', empty: 'sendense.yaml names no repository.' },
  { path: '/repositories/primary?prune=weekly-prune', heading: 'primary', empty: null },
  { path: '/discovery?show=all', heading: 'Discovery', empty: 'sendense.yaml names no source.' },
  { path: '/nodes', heading: 'Nodes', empty: 'No node was added.' },
  { path: '/plans/everything', heading: 'everything', empty: 'The first run finds out which VMs belong to it' },
  { path: '/nodes/site-c', heading: 'site-c', empty: 'There is no node of this name.' },
  { path: '/notices', heading: 'Notices', empty: 'Nobody was told anything yet.' },
  { path: '/audit', heading: 'Audit', empty: null },
] as const;

describe('hostile names are only names, and each look is sound', () => {
  let at: StandIn;
  let opened: Opened;
  beforeAll(async () => {
    at = await serve(lookingWorld({ now, vms: 12, names: hostileNames }));
    opened = await openPage(browser);
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
    await at?.[Symbol.asyncDispose]();
  });

  test.each(screens)('$path', async ({ path, heading }) => {
    const { page, complaints } = opened;
    await page.goto(`${at.url}${path}`);
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await page.getByText('onerror=alert(1)').first().waitFor();
    await soundInEachLook(page, heading);
    expect(complaints).toEqual([]);
  });
});

describe('the screens for looking', () => {
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
    const write = page.getByRole('button', { name: 'Write a plan for pg01' });
    await write.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('region', { name: 'Text of the plan' }).getByText('name: pg01-nightly').waitFor();
    await dialog.getByLabel('File in /etc/sendense/plans').fill('pg01.yaml');
    expect(await findings(page)).toEqual([]);
    // What was typed is lost by the second one.
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    // The settings let nobody edit plans: then it is copied.
    at.world['GET /api/v1/plan-files'] = () => ({ version: 1, editable: false, folder: '/etc/x', files: [] });
    await write.press('Enter');
    await dialog.getByText('name: pg01-nightly').waitFor();
    await dialog.getByText('sendense-run discover vcenter --vm=/DC1/vm/pg01 --write-plan').waitFor();
    await dialog.getByRole('button', { name: 'Copy the plan' }).waitFor();
    expect(await findings(page)).toEqual([]);
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

  test('a plan that the hub proposes is saved, and shown', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(`${at.url}/discovery`);
    await page.getByRole('button', { name: 'Write a plan for pg01' }).press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).press('Enter');
    await page.waitForURL('**/plan-files/pg01-nightly.yaml');
    expect(at.asked).toContain('POST /api/v1/plan-files');
    expect(complaints).toEqual([]);
  });

  test('a restore in place says what it means, and wants the name of the VM', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(`${at.url}/vms/pg01/restore?to=inPlace`);
    await page.getByLabel('vCenter or ESXi host of the VM').waitFor();
    expect(await page.getByLabel('Back up the present state first').isChecked()).toBe(true);
    await page.getByLabel('Back up the present state first').uncheck();
    await page.getByRole('button', { name: 'Show what it would do' }).press('Enter');
    await page.getByText('1.2 GiB of 64 GiB differ').waitFor();
    await page.getByRole('button', { name: 'Restore', exact: true }).press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('what is on the disks now is lost for good').waitFor();
    const typed = dialog.getByLabel(/type the name of the VM/);
    await typed.fill('pg02');
    await page.keyboard.press('Enter');
    expect(await typed.evaluate((input: { validationMessage: string }) => input.validationMessage)).toContain('pg01');
    await soundInEachLook(page, 'restore-in-place');
    expect(at.asked).not.toContain('POST /api/v1/restores');
    await typed.fill('pg01');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/runs/r-now');
    expect(at.asked).toContain('POST /api/v1/restores');
    expect(complaints).toEqual([]);
  });

  test('a node is checked, slots of the past are run, a channel is tried, by the keyboard alone', async () => {
    await using at = await serve();
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(`${at.url}/nodes/site-c`);
    await page.getByRole('button', { name: 'Check it' }).press('Enter');
    await page.getByText('4 checks, 1 warning, 1 failed').waitFor();
    await page.getByText('apt-get install nbdkit').waitFor();
    expect(await findings(page)).toEqual([]);
    await page.goto(`${at.url}/schedule`);
    await page.getByRole('button', { name: 'Backfill pg01-nightly' }).press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Only the newest of them').press('Space');
    await dialog.getByLabel('From').press('Enter');
    await page.getByRole('dialog', { name: 'Run 25 slots of pg01-nightly?' }).getByText('and 5 more').waitFor();
    expect(await findings(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Run' }).press('Enter');
    await dialog.waitFor({ state: 'detached' });
    expect(at.asked.filter((one) => one.endsWith('/backfill'))).toHaveLength(2);
    await page.goto(`${at.url}/notices`);
    await page.getByRole('button', { name: 'Send a test to mail' }).press('Enter');
    await page.getByRole('status').getByText('sent', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Send a test to chat' }).press('Enter');
    await page.getByRole('status').getByText('the server answered 503').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a group says how far it is with its 300 VMs, those that failed first', async () => {
    await using at = await serve(lookingWorld({ now, vms: 300 }));
    await using opened = await openPage(browser);
    const { page, complaints } = opened;
    await page.goto(`${at.url}/plans/everything`);
    await page.getByText('It runs now: 37 of 300, 2 failed, 12 min left.').waitFor();
    const vms = page.getByRole('region', { name: 'VMs of the group' });
    await expect.poll(() => vms.getByRole('row').count()).toBe(301);
    expect(await vms.getByRole('row').nth(1).textContent()).toContain('the node did not answer');
    await vms.getByRole('progressbar').first().waitFor();
    expect(await vms.getByRole('progressbar').count()).toBe(4);
    await page.getByRole('button', { name: 'Failed' }).press('Enter');
    await expect.poll(() => vms.getByRole('row').count()).toBe(3);
    expect(page.url()).toBe(`${at.url}/plans/everything?show=failed`);
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
    const long = page.getByRole('row').filter({ hasText: '3000 characters' });
    const height = async (): Promise<number> => (await long.boundingBox())?.height ?? 0;
    expect(await height()).toBeLessThan(250);
    await long.getByText('3000 characters').click();
    await expect.poll(height).toBeGreaterThan(500);
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
