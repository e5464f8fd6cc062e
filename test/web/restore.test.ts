/** Restores and VMs that run from restore points, at a real hub in a real browser. */
import { mkdir, writeFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { askHub } from '../e2e/ask-hub.ts';
import { hubProgram, type HubProgram } from '../e2e/hub-program.ts';
import { backupPlan, makeRaw, sameContent, writeAt } from '../e2e/workspace.ts';
import { bootSector } from '../restore-points/verify/boot-sector.ts';
import type { BootsOutput } from '../../src/schemas/types.ts';
import { processesWith } from '../support/processes-with.ts';
import { openBrowser, openPage, type Opened } from './browser.ts';
import { soundInEachLook } from './findings.ts';

const MiB = 2 ** 20;
const password = 'four random words here';
let hub: HubProgram;
let browser: Browser;

beforeAll(async () => {
  [hub, browser] = await Promise.all([hubProgram('hub.restoreTo: [./restored]'), openBrowser()]);
  await mkdir(hub.folder.file('restored'), { mode: 0o700 });
  await makeRaw(hub.folder.file('a.raw'), 4 * MiB, [[MiB, MiB]]);
  await writeAt(hub.folder.file('a.raw'), [0, bootSector('login: ')]);
  await makeRaw(hub.folder.file('b.raw'), 2 * MiB, [[0, MiB]]);
  await writeFile(hub.folder.file('nightly.yaml'), backupPlan(['a.raw', 'b.raw']));
  await writeFile(hub.folder.file('password'), `${password}\n`, { mode: 0o600 });
  await done('user', 'add', 'rosa', '--role', 'restorer', '--password-file', hub.folder.file('password'));
  await done('user', 'add', 'olga', '--role', 'operator', '--password-file', hub.folder.file('password'));
  await done('run', 'nightly.yaml');
});

afterAll(async () => {
  await browser?.close();
  for (const { id } of (await askHub<BootsOutput>(hub, 'GET', '/boots')).body.boots)
    await askHub(hub, 'DELETE', `/boots/${id}`);
  const watchers = (): number[] => processesWith('watch', hub.folder.file('sendense.yaml'));
  for (const pid of watchers()) process.kill(pid, 'SIGTERM');
  await vi.waitUntil(() => watchers().length === 0, { timeout: 200_000, interval: 20 });
  await hub?.[Symbol.asyncDispose]();
});

async function done(...words: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await hub.run(...words);
  if (exitCode !== 0) throw new Error(`${words.join(' ')}: ${stdout}${stderr}`);
}

async function loggedIn(path: string, name = 'rosa'): Promise<Opened> {
  const opened = await openPage(browser);
  const { page } = opened;
  await page.goto(`${hub.url}${path}`);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.getByRole('button', { name: 'Log in' }).waitFor({ state: 'detached' });
  return opened;
}

test('a restore is shown before it is asked for, and tells at its end what to do next', async () => {
  await using opened = await loggedIn('/vms/pgtest1');
  const { page, complaints } = opened;
  await page.getByRole('link', { name: /^Restore/ }).click();
  await page.getByRole('heading', { name: 'Restore pgtest1' }).waitFor();
  await page.getByRole('radio', { name: 'Files in a folder of the hub' }).check();
  expect(page.url()).toContain('to=directory');
  await page.getByRole('radio', { name: 'Some of its disks' }).check();
  await page.getByLabel('Format').selectOption('qcow2');
  const folder = page.getByLabel('Folder on the hub');
  expect(await folder.inputValue()).toBe(hub.folder.file('restored', 'pgtest1'));
  expect(await page.getByRole('button', { name: 'Restore', exact: true }).count()).toBe(0);
  const look = page.getByRole('button', { name: 'Show what it would do' });
  await look.click();
  await page.getByText('Choose at least one disk.').waitFor();
  await page.getByLabel('disk-1').check();
  await folder.fill('/etc');
  await look.click();
  await page.getByRole('alert').getByText('lies below none of').waitFor();
  // What was typed stays.
  expect(await page.getByLabel('disk-1').isChecked()).toBe(true);
  await folder.fill(hub.folder.file('restored', 'web'));
  await look.click();
  await page.getByRole('heading', { name: 'What it would do' }).waitFor();
  await page
    .getByText(hub.folder.file('restored', 'web', 'disk-1.qcow2'))
    .first()
    .waitFor();
  await soundInEachLook(page, 'restore');
  // What changes has to be looked at again.
  await page.getByLabel('Format').selectOption('raw');
  await page.getByRole('heading', { name: 'What it would do' }).waitFor({ state: 'detached' });
  await look.press('Enter');
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByRole('dialog').getByText('disks 1 only').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await page.getByRole('heading', { name: 'restore of pgtest1' }).waitFor();
  await page.getByRole('heading', { name: 'What was restored' }).waitFor();
  await page.getByText('look at the disks with').waitFor();
  expect(await sameContent(hub.folder.file('restored', 'web', 'disk-1.raw'), hub.folder.file('b.raw'))).toBe(true);
  await soundInEachLook(page, 'restored');
  expect(complaints).toEqual([]);
});

test('a VM runs at once, after a look at what it would do', async () => {
  await using opened = await loggedIn('/vms/pgtest1/restore');
  const { page, complaints } = opened;
  await page.getByLabel('Memory').fill('32MiB');
  await page.getByLabel('CPUs').fill('1');
  await page.getByRole('button', { name: 'Say what it would do' }).click();
  await page.getByRole('dialog').getByText('network: none').waitFor();
  await soundInEachLook(page, 'boot-question');
  await page.getByRole('button', { name: 'Run it' }).click();
  await page.getByRole('heading', { name: 'Running from restore points' }).waitFor();
  const vm = page.getByRole('listitem', { name: /pgtest1/ });
  await vm.getByText('running', { exact: true }).waitFor();
  await soundInEachLook(page, 'boots');
  expect(complaints).toEqual([]);
});

test('the VM that runs shows its screen; who may only look can do nothing with it', async () => {
  await using opened = await loggedIn('/boots');
  const { page, complaints } = opened;
  await page.getByRole('button', { name: 'Screen of pgtest1' }).click();
  const picture = page.getByRole('img', { name: 'What pgtest1 shows' });
  await expect
    .poll(() => picture.evaluate((image: { naturalWidth: number }) => image.naturalWidth))
    .toBeGreaterThan(100);
  await soundInEachLook(page, 'screen');
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Move pgtest1' }).click();
  expect(await page.getByLabel('Folder on the hub').inputValue()).toBe(hub.folder.file('restored', 'pgtest1'));
  await page.keyboard.press('Escape');
  {
    await using other = await loggedIn('/boots', 'olga');
    await other.page.getByText('running', { exact: true }).waitFor();
    expect(await other.page.getByRole('main').getByRole('button').count()).toBe(0);
  }
  expect(complaints).toEqual([]);
});

test('the VM that runs is switched off, and ended after the password was typed again', async () => {
  await using opened = await loggedIn('/boots');
  const { page, complaints } = opened;
  const vm = page.getByRole('listitem', { name: /pgtest1/ });
  await page.getByRole('button', { name: 'Switch off pgtest1' }).click();
  await page.getByLabel('Pull its plug').check();
  await page.getByRole('dialog').getByRole('button', { name: 'Switch off' }).click();
  await vm.getByText('off', { exact: true }).waitFor();
  hub.state.run(hub.state.query.updateTable('sessions').set({ proven: 0 }));
  await page.getByRole('button', { name: 'End pgtest1' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'End' }).click();
  await page.getByRole('dialog').getByLabel('Your password').fill(password);
  await page.getByRole('dialog').getByRole('button', { name: 'End' }).click();
  await page.getByText('No VM runs from a restore point.').waitFor();
  await soundInEachLook(page, 'no-boots');
  expect(complaints).toEqual([]);
});

test('a session that ends while a restore is asked for is told, and what was typed stays, also after a reload', async () => {
  await using opened = await loggedIn('/vms/pgtest1/restore?to=directory');
  const { page } = opened;
  const folder = page.getByLabel('Folder on the hub');
  await folder.fill(hub.folder.file('restored', 'typed'));
  await folder.press('Tab');
  await page.reload();
  expect(await folder.inputValue()).toBe(hub.folder.file('restored', 'typed'));
  await page.evaluate(async () => {
    await fetch('/api/v1/session', { method: 'DELETE' });
  });
  await page.getByRole('button', { name: 'Show what it would do' }).click();
  const dialog = page.getByRole('dialog', { name: 'Your session has ended' });
  await dialog.getByLabel('Name').fill('rosa');
  await dialog.getByLabel('Password').fill(password);
  await dialog.getByRole('button', { name: 'Log in' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(await folder.inputValue()).toBe(hub.folder.file('restored', 'typed'));
  await page.getByRole('button', { name: 'Show what it would do' }).click();
  await page.getByRole('button', { name: 'Restore', exact: true }).waitFor();
});
