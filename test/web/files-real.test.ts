/** The file manager at `sendense-run hub`: real disks, read by a real kernel in its sandbox. */
import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { writeFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import type { FilesMountsOutput } from '../../src/schemas/types.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFilesDisk } from '../e2e/files-disk.ts';
import { filesHub, idOf, type FilesHub } from '../e2e/files-hub.ts';
import { openBrowser, openPage, type Opened } from './browser.ts';

const password = 'four random words here';
let hub: FilesHub;
let browser: Browser;

beforeAll(async () => {
  [hub, browser] = await Promise.all([filesHub('', ['one', 'two']), openBrowser()]);
  await writeFile(hub.bench.path('password'), `${password}\n`, { mode: 0o600 });
  for (const [name, vms] of [
    ['rita', 'pg*'],
    ['olaf', 'mysql*'],
  ] as const) {
    const words = [
      'user',
      'add',
      name,
      '--role',
      'restorer',
      '--vm',
      vms,
      '--password-file',
      hub.bench.path('password'),
    ];
    const { exitCode, stderr } = await hub.bench.call(words);
    if (exitCode !== 0) throw new Error(stderr);
  }
});

afterAll(async () => {
  await browser?.close();
  await hub?.[Symbol.asyncDispose]();
});

async function loggedIn(path: string, name = 'rita'): Promise<Opened> {
  const opened = await openPage(browser);
  const { page } = opened;
  await page.goto(`${hub.url}${path}`);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('#main h1').waitFor();
  return opened;
}

const grid = (page: Page, name = 'Names in this folder') => page.getByRole('grid', { name });
const folder = (path: string): string => `/files/pgtest1?volume=disk-0p1&path=${idOf(path)}`;

/** What a click saves. */
async function saved(page: Page, act: () => Promise<void>): Promise<{ readonly name: string; readonly path: string }> {
  const coming = page.waitForEvent('download');
  await act();
  const download = await coming;
  return { name: download.suggestedFilename(), path: await download.path() };
}

test('files are found, downloaded one by one and as an archive, with names that are no text', async () => {
  await using opened = await loggedIn('/vms/pgtest1');
  const { page, complaints } = opened;
  await page
    .getByRole('link', { name: /^Files of/ })
    .first()
    .click();
  await page.getByRole('link', { name: 'disk-0p1' }).click();
  await grid(page).getByRole('link', { name: 'srv' }).click();
  await grid(page).getByText('caf\\xe9').waitFor();
  await grid(page).getByRole('checkbox', { name: 'Select big' }).click();
  const big = await saved(page, () => page.getByRole('button', { name: 'Download', exact: true }).click());
  expect(readFileSync(big.path).equals(readFileSync(hub.bench.path('big')))).toBe(true);
  await page.getByText('big: handed over').waitFor();
  for (const name of ['big', 'caf\\xe9', 'deep', 'fifo'])
    await grid(page)
      .getByRole('checkbox', { name: `Select ${name}`, exact: true })
      .click();
  const zip = await saved(page, () => page.getByRole('button', { name: 'Download zip' }).click());
  expect(zip.name).toBe('srv.zip');
  expect((await execa('unzip', ['-Z1', zip.path])).stdout.split('\n').toSorted()).toEqual([
    '_names.json',
    'caf%E9',
    'deep/',
    'deep/f1',
    'deep/f3',
  ]);
  await page.getByText('./srv/fifo: a fifo is left out').waitFor();
  expect(complaints).toEqual([]);
});

test('a search, a comparison and versions are those of the two nights', async () => {
  await using opened = await loggedIn(folder('srv'));
  const { page, complaints } = opened;
  await page.getByRole('searchbox', { name: 'Search below this folder' }).fill('f?');
  await page.keyboard.press('Enter');
  await grid(page, 'What was found').getByText('deep/f3').waitFor();
  expect(await grid(page, 'What was found').getByText('deep/f2').count()).toBe(0);
  await page.getByLabel('in all 2 restore points').check();
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByText('2 of 2 restore points searched.').waitFor({ timeout: 200_000 });
  await grid(page, 'What was found').getByText('deep/f2').waitFor();
  await page.getByLabel('Compare with').selectOption({ index: 1 });
  const differences = grid(page, 'What differs');
  await differences.getByText('srv/added').waitFor({ timeout: 200_000 });
  await page.getByRole('button', { name: 'Removed' }).click();
  await differences.getByText('srv/deep/f2').click();
  const dialog = page.getByRole('dialog', { name: 'f2' });
  await dialog.getByRole('button', { name: 'Preview' }).click();
  await dialog.getByRole('region', { name: 'Content' }).getByText('2', { exact: true }).waitFor();
  await page.goto(`${hub.url}${folder('srv/deep')}&file=${idOf('srv/deep/f3')}`);
  await page.getByRole('button', { name: 'Versions' }).click();
  await page.getByText('2 of 2 restore points looked into.').waitFor({ timeout: 200_000 });
  expect(await page.getByRole('region', { name: 'Versions' }).getByRole('listitem').count()).toBe(2);
  await page.goto(`${hub.url}${folder('srv')}&file=${idOf('srv/evil.html')}`);
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText('<script>alert(1)</script>').waitFor();
  expect(complaints).toEqual([]);
});

test('a restore point that was closed meanwhile is opened again at the same place', async () => {
  await using opened = await loggedIn(folder(''));
  const { page, complaints } = opened;
  await grid(page).getByText('etc').waitFor();
  const { mounts } = await hub.json<FilesMountsOutput>('/mounts');
  for (const { id } of mounts) expect((await hub.ask(`/${id}`, { method: 'DELETE' })).status).toBe(204);
  await grid(page).getByRole('link', { name: 'etc' }).click();
  await grid(page).getByText('hostname').waitFor({ timeout: 200_000 });
  expect(complaints).toEqual([]);
});

test('who may see other VMs only gets nothing, by the page or by its address', async () => {
  await using opened = await loggedIn(folder('etc'), 'olaf');
  const { page } = opened;
  await page.getByText('VM pgtest1 has no restore points').first().waitFor();
  expect(await page.getByRole('grid').count()).toBe(0);
  const { mounts } = await hub.json<FilesMountsOutput>('/mounts');
  const ids = [...mounts.map(({ id }) => id), 'none'];
  for (const id of ids) {
    const status = await page.evaluate(
      async (one) => (await fetch(`/api/v1/restore/${one}/files?volume=disk-0p1`)).status,
      id,
    );
    expect(status).toBe(404);
  }
});

test('an encrypted volume opens with its passphrase, and not with another', async () => {
  await makeFilesDisk(hub.bench.folder, 'one');
  expect((await hub.bench.run('plan.yaml')).exitCode).toBe(0);
  await using opened = await loggedIn('/files/pgtest1');
  const { page, complaints } = opened;
  await page.getByRole('button', { name: 'Unlock disk-0p2' }).click({ timeout: 300_000 });
  await page.getByLabel('Passphrase').fill('the wrong words');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('alert').waitFor({ timeout: 200_000 });
  expect(await page.getByLabel('Passphrase').inputValue()).toBe('the wrong words');
  await page.getByLabel('Passphrase').fill('the right words');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'disk-0p2' }).click({ timeout: 300_000 });
  await grid(page).getByText('hostname').waitFor();
  expect(complaints).toEqual([]);
});
