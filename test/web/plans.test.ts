/** The screens of plans, and their editor, at `sendense-run hub`. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { writeFile } from 'node:fs/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hubProgram, type HubProgram } from '../e2e/hub-program.ts';
import { backupPlan, makeRaw } from '../e2e/workspace.ts';
import { openBrowser, openPage, type Opened } from './browser.ts';

const MiB = 2 ** 20;
const password = 'four random words here';
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let hub: HubProgram;
let browser: Browser;

beforeAll(async () => {
  [hub, browser] = await Promise.all([hubProgram(), openBrowser()]);
  await makeRaw(hub.folder.file('a.raw'), 4 * MiB, [[MiB, MiB]]);
  await writeFile(hub.folder.file('nightly.yaml'), backupPlan(['a.raw'], 'x-token: hunter2 # kept\n'));
  await writeFile(hub.folder.file('password'), `${password}\n`, { mode: 0o600 });
  for (const [name, role] of [
    ['otto', 'viewer'],
    ['wanda', 'admin'],
    ['willi', 'admin'],
  ] as const)
    await done('user', 'add', name, '--role', role, '--password-file', hub.folder.file('password'));
  await done('run', 'nightly.yaml');
});

afterAll(async () => {
  await browser?.close();
  await hub?.[Symbol.asyncDispose]();
});

async function done(...words: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await hub.run(...words);
  if (exitCode !== 0) throw new Error(`${words.join(' ')}: ${stdout}${stderr}`);
}

async function logIn(page: Page, name: string): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

/** The page at an address of the hub, after a real login. */
async function loggedIn(path: string, name = 'wanda', options: BrowserContextOptions = {}): Promise<Opened> {
  const opened = await openPage(browser, options);
  await opened.page.goto(`${hub.url}${path}`);
  await logIn(opened.page, name);
  await opened.page.getByRole('heading', { level: 1 }).waitFor();
  return opened;
}

/** What axe finds against WCAG 2.2 AA, as short lines. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe: checker } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const tags = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'];
    const { violations } = await checker.run({ runOnly: tags });
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
  });
}

const looks = [
  ['light', { colorScheme: 'light', viewport: { width: 1440, height: 900 } }],
  ['dark', { colorScheme: 'dark' }],
  ['forced', { forcedColors: 'active' }],
  ['phone', { colorScheme: 'dark', viewport: { width: 375, height: 800 } }],
] as const;

/** `PICTURES=folder` keeps what a test looked at. */
async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['PICTURES'];
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: `${folder}/${name}.png` });
}

test('a plan is looked at, without its secrets, and run by who may', async () => {
  {
    await using other = await loggedIn('/plans/pgtest1-nightly', 'otto');
    await other.page.getByRole('region', { name: 'Text of the plan' }).getByText('x-token: *******').waitFor();
    expect(await other.page.getByRole('main').getByRole('button').count()).toBe(0);
    expect(await other.page.getByRole('link', { name: 'Edit' }).count()).toBe(0);
  }
  await using opened = await loggedIn('/plans');
  const { page, complaints } = opened;
  await page.getByRole('link', { name: 'pgtest1-nightly' }).click();
  await page.getByRole('button', { name: 'Look', exact: true }).click();
  await page.getByRole('list', { name: 'Disks' }).getByText('disk-0').waitFor();
  await page.getByRole('button', { name: 'Run now' }).click();
  await page.getByLabel('Type').selectOption('Full');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByRole('region', { name: 'Lines of the log' }).getByText('the run succeeded').waitFor();
  expect(complaints).toEqual([]);
});

test('the screens of plans are sound in each look', async () => {
  for (const [name, look] of looks) {
    await using opened = await loggedIn('/plans', 'wanda', look);
    const { page, complaints } = opened;
    await page.getByRole('link', { name: 'pgtest1-nightly' }).waitFor();
    expect([name, await findings(page)]).toEqual([name, []]);
    await picture(page, `plans-${name}`);
    await page.getByRole('link', { name: 'pgtest1-nightly' }).click();
    await page.getByRole('button', { name: 'Look', exact: true }).click();
    await page.getByRole('list', { name: 'Disks' }).waitFor();
    expect([name, await findings(page)]).toEqual([name, []]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await picture(page, `plan-${name}`);
    expect(complaints).toEqual([]);
  }
});
