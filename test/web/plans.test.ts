/** The screens of plans, and their editor, at `sendense-run hub`. */
import { readFile, writeFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hubProgram, type HubProgram } from '../e2e/hub-program.ts';
import { backupPlan, makeRaw } from '../e2e/workspace.ts';
import { openBrowser, openPage, type Opened } from './browser.ts';
import { standsOut } from './contrast.ts';
import { soundInEachLook } from './findings.ts';

const MiB = 2 ** 20;
const password = 'four random words here';
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
async function loggedIn(path: string, name = 'wanda'): Promise<Opened> {
  const opened = await openPage(browser);
  await opened.page.goto(`${hub.url}${path}`);
  await logIn(opened.page, name);
  await opened.page.getByRole('heading', { level: 1 }).waitFor();
  return opened;
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
  await using opened = await loggedIn('/plans');
  const { page, complaints } = opened;
  await page.getByRole('link', { name: 'pgtest1-nightly' }).waitFor();
  await soundInEachLook(page, 'plans');
  await page.getByRole('link', { name: 'pgtest1-nightly' }).click();
  await page.getByRole('button', { name: 'Look', exact: true }).click();
  await page.getByRole('list', { name: 'Disks' }).waitFor();
  await soundInEachLook(page, 'plan');
  expect(complaints).toEqual([]);
});

const nightly = (): Promise<string> => readFile(hub.folder.file('nightly.yaml'), 'utf8');
const editorOf = (page: Page) => page.getByRole('textbox', { name: /^Text of/ });
const savedMark = (page: Page) => page.getByRole('status').getByText(/^Saved/);

/** Puts the cursor at the end of the text. */
async function toEnd(page: Page): Promise<void> {
  await editorOf(page).click();
  await page.keyboard.press('Control+End');
}

async function save(page: Page): Promise<void> {
  await page.keyboard.press('Control+s');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await savedMark(page).waitFor();
}

test('the editor is sound in each look, and nothing breaks the policy for content', async () => {
  await writeFile(
    hub.folder.file('wrong.yaml'),
    backupPlan(['a.raw']).replaceAll('pgtest1', 'web').replace('primary', 'primry'),
  );
  await using opened = await loggedIn('/plan-files/wrong.yaml');
  const { page, complaints } = opened;
  await page.getByRole('main').getByText('Did you mean primary?').first().waitFor();
  await page.getByRole('button', { name: /^Line 10:/ }).click();
  await page.keyboard.press('Control+f');
  await page.getByRole('textbox', { name: 'Find' }).waitFor();
  await soundInEachLook(page, 'editor');
  expect(await page.evaluate('document.querySelectorAll("style").length')).toBe(0);
  expect(complaints).toEqual([]);
});

test('a plan is written with the keyboard alone: completed, explained, checked, shown before it is saved', async () => {
  await using opened = await loggedIn('/plan-files/nightly.yaml');
  const { page, complaints } = opened;
  const before = await nightly();
  await toEnd(page);
  await page.keyboard.type('stallT');
  const offers = page.getByRole('listbox', { name: 'Completions' });
  await offers.getByRole('option', { name: /^stallTimeout/ }).waitFor();
  // For 75 ms the list takes no keys: what was typed just then was meant for the text.
  const shown = Date.now();
  await expect.poll(() => Date.now() - shown).toBeGreaterThan(150);
  await page.keyboard.press('Enter');
  await page.getByText('stallTimeout', { exact: true }).first().waitFor();
  await page.keyboard.type('soon');
  await page.getByRole('button', { name: /^Line/ }).first().waitFor();
  for (const _ of 'soon') await page.keyboard.press('Backspace');
  await page.keyboard.type('20m # after a stall');
  await page.getByText('It is a valid plan.').waitFor();
  // Tab indents, and leaves after Escape.
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await expect.poll(() => page.getByText('Not saved').count()).toBe(1);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  await expect.poll(() => page.evaluate('document.activeElement?.shadowRoot === null')).toBe(true);
  await toEnd(page);
  await page.keyboard.press('Control+s');
  const changes = page.getByRole('dialog').getByRole('region', { name: 'What changes' });
  await changes.getByText('+ stallTimeout: 20m # after a stall').waitFor();
  await standsOut(page, 'dialog[open]', 'saving');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await savedMark(page).waitFor();
  const after = await nightly();
  expect(after.startsWith(`${before}stallTimeout: 20m # after a stall\n`)).toBe(true);
  await page.getByText('stallTimeout', { exact: true }).first().hover();
  await page.getByText(/^stallTimeout \(/).waitFor();
  await standsOut(page, '.cm-tooltip', 'what a key means');
  expect(complaints).toEqual([]);
});

test('a text that is not valid is saved only as asked, and a new file is made and removed', async () => {
  await using opened = await loggedIn('/plan-files');
  const { page, complaints } = opened;
  await page.getByLabel('File, below the folder').fill('made.yaml');
  await toEnd(page);
  await page.keyboard.type('nonsense: 1');
  await page.getByRole('button', { name: /^Line/ }).first().waitFor();
  await page.keyboard.press('Control+s');
  await page.getByRole('dialog').getByRole('button', { name: 'Make' }).click();
  await page.getByRole('dialog').getByText('plan.invalid').waitFor();
  await page.getByLabel(/^Save it although/).check();
  await page.getByRole('dialog').getByRole('button', { name: 'Make' }).click();
  await page.getByRole('heading', { level: 1, name: 'made.yaml' }).waitFor();
  expect(await readFile(hub.folder.file('made.yaml'), 'utf8')).toContain('nonsense: 1');
  await page.getByRole('button', { name: 'Remove…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('heading', { level: 1, name: 'Plans' }).waitFor();
  await expect(readFile(hub.folder.file('made.yaml'))).rejects.toThrow('ENOENT');
  expect(complaints).toEqual([]);
});

test('of two who save one plan the second sees both texts, and chooses', async () => {
  await using one = await loggedIn('/plan-files/nightly.yaml');
  await using two = await loggedIn('/plan-files/nightly.yaml', 'willi');
  await toEnd(one.page);
  await one.page.keyboard.type('# by wanda');
  await toEnd(two.page);
  await two.page.keyboard.type('# by willi');
  await save(one.page);
  await two.page.getByRole('alert').getByText('Somebody else has saved this file').waitFor();
  // What is known already is shown at once.
  await two.page.keyboard.press('Control+s');
  const both = two.page.getByRole('dialog', { name: /^Somebody else has saved/ });
  await both.getByRole('region', { name: 'What they changed' }).getByText('+ # by wanda').waitFor();
  await both.getByRole('region', { name: 'What you would change in theirs' }).getByText('+ # by willi').waitFor();
  expect(await nightly()).toContain('# by wanda');
  await soundInEachLook(two.page, 'conflict');
  await standsOut(two.page, 'dialog[open]', 'conflict');
  await both.getByRole('button', { name: 'Save mine over theirs…' }).click();
  await two.page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await savedMark(two.page).waitFor();
  expect(await nightly()).toMatch(/# by willi$/m);
  expect(await nightly()).not.toContain('wanda');
  // Who has changed nothing sees the new text.
  await one.page.getByText('# by willi').waitFor();
  expect([...one.complaints, ...two.complaints]).toEqual([]);
});

test('an answer from before the login does not end the session', async () => {
  await using opened = await loggedIn('/plans');
  const { page } = opened;
  await page.getByRole('link', { name: 'pgtest1-nightly' }).waitFor();
  // As the hub answers to what was asked before.
  const error = { code: 'api.login', message: 'nobody is logged in', remedy: 'Log in.', position: null };
  const others = (url: URL): boolean => url.pathname.startsWith('/api/v1/runs');
  await page.route(others, (route) => route.fulfill({ status: 401, json: { error } }));
  const asked = page.waitForResponse((answer) => answer.url().endsWith('/api/v1/session'));
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  expect((await asked).status()).toBe(200);
  await page.unroute(others);
  await page.getByRole('link', { name: 'Plans', exact: true }).click();
  await page.getByRole('link', { name: 'pgtest1-nightly' }).waitFor();
  expect(await page.getByRole('dialog').count()).toBe(0);
});

test('what was typed outlives the session, the hub, and a page that is loaded again; leaving asks', async () => {
  await using opened = await loggedIn('/plan-files/nightly.yaml');
  const { page } = opened;
  await toEnd(page);
  // All of it before: the page may know of the end before another key is pressed.
  await page.keyboard.type('\n# typed by me!');
  await done('user', 'sessions', 'wanda', '--end-all');
  const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
  await dialog.waitFor();
  await logIn(page, 'wanda');
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('# typed by me!').waitFor();

  await hub.end('SIGKILL');
  await page.getByRole('alert').getByText('The hub has not answered since').waitFor();
  await toEnd(page);
  await page.keyboard.type('!');
  await page.keyboard.press('Control+s');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog').getByText('the hub does not answer').waitFor();
  await hub.start();
  await expect.poll(() => page.getByText('The hub has not answered since').count(), { timeout: 200_000 }).toBe(0);
  await page.getByRole('dialog').getByRole('button', { name: 'Not now' }).click();

  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  const leave = page.getByRole('dialog', { name: 'Leave without saving?' });
  await leave.getByRole('button', { name: 'Stay' }).waitFor();
  await standsOut(page, 'dialog[open]', 'leaving');
  await leave.getByRole('button', { name: 'Stay' }).click();
  await page.getByText('# typed by me!!').waitFor();
  // Chromium may have closed it by itself. If it had not, the page would not be loaded again.
  page.once('dialog', (asked) => void asked.accept().catch(() => undefined));
  await page.reload();
  await page.getByText(/^Your text of .* is here, and is not saved/).waitFor();
  await page.getByText('# typed by me!!').waitFor();
  await toEnd(page);
  await save(page);
  expect(await nightly()).toContain('# typed by me!!');
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
  // What the killed hub left.
  await done('recover');
});
