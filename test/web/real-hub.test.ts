/** The page at `sendense-run hub`, with a user, a plan and disks: what the stand-in cannot know. */
import { writeFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hubProgram, type HubProgram } from '../e2e/hub-program.ts';
import { backupPlan, makeRaw } from '../e2e/workspace.ts';
import { openBrowser, openPage, type Opened } from './browser.ts';
import { soundInEachLook } from './findings.ts';
import { startProxy } from './proxy.ts';

const MiB = 2 ** 20;
const password = 'four random words here';
let hub: HubProgram;
let browser: Browser;

beforeAll(async () => {
  [hub, browser] = await Promise.all([hubProgram(), openBrowser()]);
  await makeRaw(hub.folder.file('a.raw'), 4 * MiB, [[MiB, MiB]]);
  await writeFile(hub.folder.file('nightly.yaml'), backupPlan(['a.raw']));
  await writeFile(hub.folder.file('password'), `${password}\n`, { mode: 0o600 });
  for (const [name, role] of [
    ['anna', 'operator'],
    ['otto', 'viewer'],
    ['wanda', 'admin'],
  ] as const)
    await done('user', 'add', name, '--role', role, '--password-file', hub.folder.file('password'));
  await writeFile(
    hub.folder.file('slow.yaml'),
    backupPlan(['a.raw'], "before: [{ run: [sleep, '600'] }]\n").replaceAll('pgtest1', 'pgtest2'),
  );
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

/** The page at an address of the hub, after a real login. */
async function loggedIn(path: string, name = 'anna', at = hub.url): Promise<Opened> {
  const opened = await openPage(browser);
  const { page } = opened;
  await page.goto(`${at}${path}`);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('navigation', { name: 'Screens' }).waitFor();
  return opened;
}

/** The hub tells of changes: from now on the page asks by itself only every 30 s. */
const live = (page: Page): Promise<void> => page.getByText('Live', { exact: true }).waitFor();

test('the hub tells the page of a run that another process makes', async () => {
  await using opened = await loggedIn('/');
  const { page, complaints } = opened;
  await page.getByRole('heading', { name: 'The VM is protected as its plan wants.' }).waitFor();
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  await live(page);
  const rows = page.getByRole('rowheader', { name: 'backup of pgtest1' });
  await expect.poll(() => rows.count()).toBe(1);
  await done('run', 'nightly.yaml');
  await expect.poll(() => rows.count(), { timeout: 200_000 }).toBe(2);
  expect(complaints).toEqual([]);
});

test('a run is followed line by line, and cancelled by who may', async () => {
  const ran = hub.runAlone('run', 'slow.yaml');
  await using opened = await loggedIn('/');
  const { page, complaints } = opened;
  await page.getByRole('link', { name: 'backup of pgtest2' }).click();
  await page.getByRole('region', { name: 'Lines of the log' }).getByText('Run a command').waitFor();
  {
    await using other = await loggedIn(new URL(page.url()).pathname, 'otto');
    await other.page.getByRole('region', { name: 'Lines of the log' }).getByText('Run a command').waitFor();
    expect(await other.page.getByRole('button', { name: 'Cancel run' }).count()).toBe(0);
  }
  await page.getByRole('button', { name: 'Cancel run' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel run' }).click();
  await page.getByText('cancelled', { exact: true }).first().waitFor();
  expect((await ran).exitCode).toBe(130);
  await page.getByRole('region', { name: 'Lines of the log' }).getByText('stopping and cleaning up').waitFor();
  await expect.poll(() => page.getByRole('button', { name: 'Pause' }).count()).toBe(0);
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  expect((await saved).suggestedFilename()).toMatch(/^\d{8}T.*\.log$/);
  expect(complaints).toEqual([]);
});

test('a disk that is copied shows how far it is each second, and so does Status', async () => {
  await makeRaw(hub.folder.file('b.raw'), 24 * MiB, [[0, 24 * MiB]]);
  const limited = backupPlan(['b.raw'], 'limits: { diskRate: 1MiB }\n').replaceAll('pgtest1', 'pgtest3');
  await writeFile(hub.folder.file('limited.yaml'), limited);
  await using opened = await loggedIn('/');
  const { page, complaints } = opened;
  await live(page);
  const ran = hub.run('run', 'limited.yaml');
  const running = page.getByRole('region', { name: /^Running now/ }).getByRole('listitem');
  await running.getByText(/MiB · .*MiB\/s · .*left$/).waitFor();
  await running.getByRole('link', { name: 'backup of pgtest3' }).click();
  const share = page.getByRole('progressbar', { name: /disk-0/ });
  const seen = new Set<string | null>();
  // Each second another one: the log has one in ten seconds.
  await expect
    .poll(async () => seen.add(await share.getAttribute('value')).size, { timeout: 200_000 })
    .toBeGreaterThan(4);
  expect((await ran).exitCode).toBe(0);
  await share.waitFor({ state: 'detached' });
  expect(complaints).toEqual([]);
});

test('a VM is backed up now, and a restore point protected, by who may', async () => {
  {
    await using other = await loggedIn('/vms/pgtest1', 'otto');
    await other.page.getByText('full, primary').first().waitFor();
    expect(await other.page.getByRole('main').getByRole('button').count()).toBe(0);
  }
  await using opened = await loggedIn('/', 'wanda');
  const { page, complaints } = opened;
  await page.getByRole('link', { name: 'pgtest1', exact: true }).first().click();
  await page.getByRole('button', { name: 'Back up now' }).click();
  await page.getByLabel('Type').selectOption('Full');
  await page.getByRole('button', { name: 'Back up', exact: true }).click();
  await page.getByRole('region', { name: 'Lines of the log' }).getByText('the run succeeded').waitFor();
  await page.goto(`${hub.url}/vms/pgtest1`);
  const newest = page.getByRole('list', { name: 'The newest first' }).locator(':scope > li').first();
  await newest.getByRole('button', { name: /^Protect/ }).click();
  await page.getByLabel('How long').selectOption('for ever');
  await page.getByLabel('Why').fill('before the upgrade');
  await page.getByRole('button', { name: 'Protect', exact: true }).click();
  await newest.getByText('for ever: before the upgrade').waitFor();
  await newest.getByRole('button', { name: /^Unprotect/ }).click();
  await page.getByRole('button', { name: 'Unprotect', exact: true }).click();
  await newest.getByRole('button', { name: /^Protect/ }).waitFor();
  await newest.getByRole('button', { name: /^Verify/ }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Verify' }).click();
  await page.getByRole('heading', { name: 'verify' }).waitFor();
  await page.getByRole('region', { name: 'Lines of the log' }).getByText('the run succeeded').waitFor();
  expect(complaints).toEqual([]);
});

test('a restore point is removed after the page has said what that does; the newest one stays, and says why', async () => {
  await done('run', 'nightly.yaml');
  await using opened = await loggedIn('/vms/pgtest1', 'wanda');
  const { page, complaints } = opened;
  const points = page.getByRole('list', { name: 'The newest first' }).locator(':scope > li');
  const dialog = page.getByRole('dialog');
  await points
    .first()
    .getByRole('button', { name: /^Remove/ })
    .press('Enter');
  await page.getByRole('dialog', { name: 'This restore point stays' }).waitFor();
  await dialog
    .getByRole('status')
    .getByText('It is the newest sound one of its VM. It can go once there is a newer one.')
    .waitFor();
  await soundInEachLook(page, 'point-stays');
  await dialog.getByRole('button', { name: 'Close' }).press('Enter');
  const before = await points.count();
  await points
    .nth(1)
    .getByRole('button', { name: /^Remove/ })
    .press('Enter');
  const means = dialog.getByRole('list', { name: 'What that does' });
  await means.getByText(/^The restore point of .* is built on it: what that needs is merged into it\.$/).waitFor();
  await means.getByText(/^It frees /).waitFor();
  await soundInEachLook(page, 'point-goes');
  hub.state.run(hub.state.query.updateTable('sessions').set({ proven: 0 }));
  await dialog.getByRole('button', { name: 'Remove' }).press('Enter');
  await dialog.getByLabel('Your password').fill(password);
  await dialog.getByRole('button', { name: 'Remove' }).press('Enter');
  await page.getByRole('region', { name: 'Lines of the log' }).getByText('the run succeeded').waitFor();
  await page.goBack();
  await expect.poll(() => points.count()).toBe(before - 1);
  expect(complaints).toEqual([]);
});

test('a hub that is stopped and started again needs no reload', async () => {
  await using opened = await loggedIn('/runs');
  const { page } = opened;
  await live(page);
  await hub.end('SIGTERM');
  await page.getByRole('alert').getByText('The hub has not answered since').waitFor();
  await hub.start();
  await expect.poll(() => page.getByRole('alert').count(), { timeout: 200_000 }).toBe(0);
  await page.getByRole('rowheader', { name: 'backup of pgtest1' }).first().waitFor();
});

test('behind a proxy that holds events back the page asks by itself', async () => {
  await using proxy = await startProxy(hub.url);
  proxy.buffers = true;
  await using opened = await loggedIn('/runs', 'anna', proxy.url);
  const { page } = opened;
  const rows = page.getByRole('rowheader', { name: 'backup of pgtest1' });
  await rows.first().waitFor();
  const before = await rows.count();
  await done('run', 'nightly.yaml');
  await expect.poll(() => rows.count(), { timeout: 200_000 }).toBe(before + 1);
  await page.getByText(/^Every few seconds/).waitFor();
  expect(await page.getByText('Live', { exact: true }).count()).toBe(0);
});

test('a connection that stalls, and is not closed, is told within seconds; then events go on', async () => {
  await using proxy = await startProxy(hub.url);
  await using opened = await loggedIn('/runs', 'anna', proxy.url);
  const { page } = opened;
  await live(page);
  await page
    .getByLabel('VM, its whole name')
    .or(page.getByLabel('VM', { exact: true }))
    .first()
    .fill('typed');
  proxy.stall();
  const stalled = Date.now();
  await page.getByRole('alert').getByText('The hub has not answered since').waitFor();
  // A figure, for who asks: so much is told on a quiet machine.
  if (process.env['FIGURES'] !== undefined) expect(Date.now() - stalled).toBeLessThan(9000);
  proxy.flow();
  await expect.poll(() => page.getByRole('alert').count(), { timeout: 200_000 }).toBe(0);
  await live(page);
  expect(await page.getByLabel('VM', { exact: true }).inputValue()).toBe('typed');
});
