/** Users, tokens, sessions and one's own account, at the API of a real hub. */
import { writeFile } from 'node:fs/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hubProgram, type HubProgram } from '../e2e/hub-program.ts';
import { openBrowser, openPage, type Opened } from './browser.ts';
import { soundInEachLook } from './findings.ts';

const password = 'four random words here';
const next = 'five other random words here';
let hub: HubProgram;
let browser: Browser;

beforeAll(async () => {
  [hub, browser] = await Promise.all([hubProgram(), openBrowser()]);
  await writeFile(hub.folder.file('password'), `${password}\n`, { mode: 0o600 });
  for (const [name, role] of [
    ['wanda', 'admin'],
    ['otto', 'viewer'],
  ] as const) {
    const words = ['user', 'add', name, '--role', role, '--password-file', hub.folder.file('password')];
    const { exitCode, stderr } = await hub.run(...words);
    if (exitCode !== 0) throw new Error(stderr);
  }
});

afterAll(async () => {
  await browser?.close();
  await hub?.[Symbol.asyncDispose]();
});

interface Asked extends BrowserContextOptions {
  readonly name?: string;
  readonly password?: string;
}

async function loggedIn(path: string, { name = 'wanda', password: secret = password, ...look }: Asked = {}) {
  const opened: Opened = await openPage(browser, look);
  const { page } = opened;
  await page.goto(`${hub.url}${path}`);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(secret);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('#main h1').waitFor();
  return opened;
}

/** The password was typed longer ago than counts. */
const makeStale = (): void =>
  void hub.state.run(hub.state.query.updateTable('sessions').set({ proven: Date.now() - 11 * 60_000 }));

const rowOf = (page: Page, list: string, name: string) =>
  page.getByRole('region', { name: list, exact: true }).getByRole('row').filter({ hasText: name });

async function choosePassword(page: Page, title: string, secret: string): Promise<void> {
  await page.getByLabel(title, { exact: true }).fill(secret);
  await page.getByLabel(`${title} again`).fill(secret);
}

test('an administrator adds a user, gives other roles, and takes the login away', async () => {
  await using opened = await loggedIn('/');
  const { page, complaints } = opened;
  await page.getByRole('link', { name: 'Users and tokens' }).click();
  await rowOf(page, 'Users', 'wanda').getByText('(you)').waitFor();
  makeStale();
  await page.getByRole('button', { name: 'Add a user' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('dba');
  await choosePassword(page, 'Password', next);
  await dialog.getByLabel('restorer').check();
  await dialog.getByLabel('viewer').uncheck();
  await dialog.getByLabel('Only these VMs').fill('pg* web?');
  await dialog.getByRole('button', { name: 'Add' }).click();
  // What was typed stays while the hub asks for the password.
  await dialog.getByLabel('Your password').fill(password);
  await dialog.getByRole('button', { name: 'Add' }).click();
  const row = rowOf(page, 'Users', 'dba');
  await row.getByText('restorer').waitFor();
  expect(await row.textContent()).toContain('pg* web?');
  await row.getByRole('button', { name: 'Roles: dba' }).click();
  await dialog.getByLabel('admin').check();
  expect(await dialog.getByLabel('Only these VMs').isDisabled()).toBe(true);
  await dialog.getByLabel('admin').uncheck();
  await dialog.getByLabel('operator').check();
  // Somebody else was faster.
  await hub.run('user', 'roles', 'dba', '--role', 'viewer');
  await dialog.getByRole('button', { name: 'Change' }).click();
  await dialog.getByRole('alert').getByText('is not as it was').waitFor();
  expect(await dialog.getByLabel('operator').isChecked()).toBe(true);
  // What was chosen is lost by the second one.
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await row.getByRole('button', { name: 'Disable: dba' }).click();
  await dialog.getByRole('button', { name: 'Disable' }).click();
  await row.getByText('disabled').waitFor();
  await rowOf(page, 'Users', 'wanda').getByRole('button', { name: 'Remove: wanda' }).click();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await dialog.getByRole('alert').getByText('the last user').waitFor();
  await page.keyboard.press('Escape');
  await row.getByRole('button', { name: 'Remove: dba' }).click();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await expect.poll(() => row.count()).toBe(0);
  // The button that had the focus is gone: it does not fall to the page.
  await expect.poll(() => page.evaluate('document.activeElement.closest(".block") !== null')).toBe(true);
  expect(complaints).toEqual([]);
});

test('a token is shown once, works, and is revoked', async () => {
  await using opened = await loggedIn('/users');
  const { page, complaints } = opened;
  await page.getByText('No script has a token.').waitFor();
  await page.getByRole('button', { name: 'Make a token' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('ci');
  await dialog.getByLabel('Good for').selectOption('30 days');
  await dialog.getByRole('button', { name: 'Make it' }).click();
  const secret = await dialog.getByLabel('Token').inputValue();
  expect(secret).toMatch(/^sds_[\w-]{43}$/);
  const ask = async (): Promise<number> =>
    (await fetch(`${hub.url}/api/v1/session`, { headers: { authorization: `Bearer ${secret}` } })).status;
  expect(await ask()).toBe(200);
  // It closes by its button alone.
  await page.keyboard.press('Escape');
  await dialog.getByRole('button', { name: 'I have it' }).click();
  await expect.poll(() => dialog.count()).toBe(0);
  expect(await page.content()).not.toContain(secret);
  const row = rowOf(page, 'Tokens', 'ci');
  expect(await row.textContent()).toMatch(/viewer.*all.*in 4w|viewer.*all.*in \d/);
  await row.getByRole('button', { name: 'Revoke: ci' }).click();
  await dialog.getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('No script has a token.').waitFor();
  expect(await ask()).toBe(401);
  expect(complaints).toEqual([]);
});

test('everybody sees the own sessions, logs out elsewhere, and changes the password', async () => {
  await using there = await loggedIn('/runs', { name: 'otto' });
  await using opened = await loggedIn('/', { name: 'otto' });
  const { page, complaints } = opened;
  expect(await page.getByRole('link', { name: 'Users and tokens' }).count()).toBe(0);
  await page.getByRole('link', { name: 'otto' }).click();
  await page.getByRole('heading', { name: 'Your account' }).waitFor();
  const rows = page.getByRole('region', { name: 'Sessions, the newest first' }).getByRole('row');
  await expect.poll(() => rows.count()).toBe(3);
  expect(await rows.filter({ hasText: '(this one)' }).getByRole('button').count()).toBe(0);
  await page.getByRole('button', { name: 'Log out everywhere else' }).click();
  await page.getByText('The other session has ended.').waitFor();
  await there.page.getByRole('dialog', { name: 'Your session has ended' }).waitFor();
  await page.getByLabel('Your password now').fill('not this password');
  await choosePassword(page, 'New password', next);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByRole('alert').getByText('the name or the password is wrong').waitFor();
  await page.getByLabel('Your password now').fill(password);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByText('Your password is changed.').waitFor();
  await using again = await loggedIn('/users', { name: 'otto', password: next });
  await again.page.getByRole('heading', { name: 'This is not for you' }).waitFor();
  expect(complaints).toEqual([]);
});

test('the users are sound in each look', async () => {
  await using opened = await loggedIn('/users');
  const { page, complaints } = opened;
  await rowOf(page, 'Users', 'wanda').getByText('(you)').waitFor();
  await soundInEachLook(page, 'users');
  expect(complaints).toEqual([]);
});

test.each(['Add a user', 'Make a token', 'Roles: otto'])('a dialog is sound in each look: %s', async (name) => {
  await using opened = await loggedIn('/users');
  const { page, complaints } = opened;
  await page.getByRole('button', { name }).press('Enter');
  await page.getByRole('dialog').getByLabel('restorer').waitFor();
  await soundInEachLook(page, name);
  await page.keyboard.press('Escape');
  await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  expect(complaints).toEqual([]);
});

test('the account is sound in each look', async () => {
  await using opened = await loggedIn('/account');
  const { page, complaints } = opened;
  await page.getByText('(this one)').waitFor();
  await soundInEachLook(page, 'account');
  expect(complaints).toEqual([]);
});
