/** Nodes and credentials, at a real hub in a real browser. */
import { writeFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hubProgram, type HubProgram } from '../e2e/hub-program.ts';
import { openBrowser, openPage, type Opened } from './browser.ts';
import { soundInEachLook } from './findings.ts';

const password = 'four random words here';
const secret = 'canary-71d0-secret';
let hub: HubProgram;
let browser: Browser;

beforeAll(async () => {
  [hub, browser] = await Promise.all([hubProgram(), openBrowser()]);
  await writeFile(hub.folder.file('password'), `${password}\n`, { mode: 0o600 });
  const words = ['user', 'add', 'wanda', '--role', 'admin', '--password-file', hub.folder.file('password')];
  const { exitCode, stderr } = await hub.run(...words);
  if (exitCode !== 0) throw new Error(stderr);
});

afterAll(async () => {
  await browser?.close();
  await hub?.[Symbol.asyncDispose]();
});

async function loggedIn(path: string): Promise<Opened> {
  const opened = await openPage(browser);
  const { page } = opened;
  await page.goto(`${hub.url}${path}`);
  await page.getByLabel('Name').fill('wanda');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('button', { name: 'Log in' }).waitFor({ state: 'detached' });
  return opened;
}

test('a credential is added, changed and removed, and its password is never seen again', async () => {
  await using opened = await loggedIn('/credentials');
  const { page, complaints } = opened;
  await page.getByText('The hub keeps no password.').waitFor();
  await page.getByRole('button', { name: 'Add a credential' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('prod');
  await dialog.getByLabel('User at the source').fill('backup@vsphere.local');
  await dialog.getByLabel('Password at the source').fill(secret);
  await dialog.getByRole('button', { name: 'Add' }).click();
  await page.getByRole('cell', { name: 'backup@vsphere.local' }).waitFor();
  await soundInEachLook(page, 'credentials');
  hub.state.run(hub.state.query.updateTable('sessions').set({ proven: 0 }));
  await page.getByRole('button', { name: 'New password: prod' }).click();
  await dialog.getByLabel('Password at the source').fill(`${secret}-2`);
  await dialog.getByRole('button', { name: 'Store' }).click();
  await dialog.getByLabel('Your password').fill(password);
  // What was typed before stays.
  expect(await dialog.getByLabel('Password at the source').inputValue()).toBe(`${secret}-2`);
  await dialog.getByRole('button', { name: 'Store' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Test: prod' }).click();
  await dialog.getByRole('button', { name: 'Log in' }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByRole('button', { name: 'Not now' }).click();
  await page.getByRole('button', { name: 'Remove: prod' }).click();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await page.getByText('The hub keeps no password.').waitFor();
  expect(await page.content()).not.toContain(secret);
  expect(complaints).toEqual([]);
});

test('a node joins by a token that is shown once, and is renamed and removed', async () => {
  await using opened = await loggedIn('/nodes');
  const { page, complaints } = opened;
  await page.getByRole('button', { name: 'Let a node join' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name of the node').fill('site-b');
  await dialog.getByRole('button', { name: 'Make its token' }).click();
  const token = await dialog.getByLabel('Token', { exact: true }).inputValue();
  expect(token.length).toBeGreaterThan(100);
  await soundInEachLook(page, 'node-token');
  await dialog.getByRole('button', { name: 'I have it' }).click();
  expect(await page.content()).not.toContain(token);
  await page.getByRole('link', { name: 'site-b' }).click();
  await page.getByRole('button', { name: 'Rename' }).click();
  await dialog.getByLabel('New name').fill('site-c');
  await dialog.getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('heading', { name: 'site-c' }).waitFor();
  await soundInEachLook(page, 'node-acts');
  await page.getByRole('button', { name: 'Remove' }).click();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await page.getByText('No node was added.').waitFor();
  expect(complaints).toEqual([]);
});
