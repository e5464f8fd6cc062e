import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { packageRoot } from '../../../src/schemas/package.ts';
import { launchBrowser } from '../../web/browser.ts';
import { median } from '../measure.ts';
import { bigHub, type BigHub } from './big-hub.ts';
import { filesFolder } from './files-page.ts';
import { longestTask, watchTasks } from './long-tasks.ts';
import { printFigures, type Figure } from './goals.ts';
import { manyClients } from './many-clients.ts';

const rounds = 5;

/** The page in Chromium, at a hub with a large database. */
export async function page(): Promise<void> {
  await using hub = await bigHub();
  const browser = await launchBrowser();
  try {
    const session = await login(browser, hub);
    printFigures('The page, 10,200 restore points of 300 VMs, 50,100 runs', [
      ...(await statusCold(browser, hub, session)),
      ...(await scrolling(browser, hub, session)),
      ...(await filesFolder(browser)),
      ...(await logLine(browser, hub, session)),
      ...(await manyClients(browser, hub, session)),
    ]);
  } finally {
    await browser.close();
  }
}

type Session = Awaited<ReturnType<BrowserContext['storageState']>>;

async function login(browser: Browser, { url, password }: BigHub): Promise<Session> {
  const context = await browser.newContext();
  const at = await context.newPage();
  await at.goto(url);
  await at.getByLabel('Name').fill('bench');
  await at.getByLabel('Password').fill(password);
  await at.getByRole('button', { name: 'Log in' }).click();
  await at.getByRole('navigation', { name: 'Screens' }).waitFor();
  const session = await context.storageState();
  await context.close();
  return session;
}

/** The page of somebody who is logged in, whose browser has nothing of it yet. */
async function opened(browser: Browser, session: Session): Promise<Page> {
  const context = await browser.newContext({ storageState: session, viewport: { width: 1440, height: 900 } });
  return await context.newPage();
}

/** Its sentence and the rows of its VMs are there. */
async function usable(at: Page): Promise<void> {
  await at.getByRole('heading', { level: 1 }).waitFor();
  await at.getByRole('link', { name: 'vm0042', exact: true }).or(at.getByRole('row').nth(20)).first().waitFor();
}

async function statusCold(browser: Browser, hub: BigHub, session: Session): Promise<Figure[]> {
  const times: number[] = [];
  const files = new Set<string>(['/index.html']);
  for (let round = 0; round < rounds; round++) {
    hub.change();
    const at = await opened(browser, session);
    at.on('request', (request) => files.add(new URL(request.url()).pathname));
    const begun = performance.now();
    await at.goto(hub.url, { waitUntil: 'commit' });
    await usable(at);
    times.push((performance.now() - begun) / 1000);
    await at.context().close();
  }
  let bytes = 0;
  for (const file of files)
    bytes += (await readFile(join(packageRoot, 'dist/web', `${file}.gz`)).catch(() => Buffer.alloc(0))).length;
  return [
    { name: 'Status: usable, cold', value: median(times), unit: 's', goal: 1 },
    { name: 'Status: the slowest of them', value: Math.max(...times), unit: 's' },
    { name: 'Status: first load, gzip', value: bytes / 1000, unit: 'kB', goal: 60 },
  ];
}

/** Addresses of long lists, and what shows more of them. */
const longLists = [
  { path: '/', more: 'Show all 300 VMs' },
  { path: '/runs', more: 'Show older runs' },
] as const;

/** The longest task while long lists are scrolled and the hub changes. */
async function scrolling(browser: Browser, hub: BigHub, session: Session): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { path, more } of longLists) {
    const at = await opened(browser, session);
    await at.goto(`${hub.url}${path}`);
    const button = at.getByRole('button', { name: more });
    for (let pages = 0; pages < 5 && (await appears(button)); pages++) await button.click();
    // What the clicks draw is drawn.
    await at.evaluate('new Promise((idle) => requestIdleCallback(idle, { timeout: 5000 }))');
    await delay(500);
    await at.evaluate(watchTasks);
    for (let turn = 0; turn < 60; turn++) {
      if (turn % 20 === 0) hub.change();
      await at.mouse.wheel(0, turn < 40 ? 700 : -1400);
      await at.evaluate('new Promise((drawn) => requestAnimationFrame(drawn))');
    }
    const longest = await longestTask(at);
    figures.push({ name: `${path}: longest task while scrolling`, value: longest, unit: 'ms', goal: 200 });
    await at.context().close();
  }
  return figures;
}

const appears = (button: Locator): Promise<boolean> =>
  button.waitFor({ timeout: 2000 }).then(
    () => true,
    () => false,
  );

/** From the end of a line in the log to the screen. */
async function logLine(browser: Browser, hub: BigHub, session: Session): Promise<Figure[]> {
  const at = await opened(browser, session);
  await at.goto(`${hub.url}/runs/${hub.examples.live}`);
  const lines = at.getByRole('region', { name: 'Lines of the log' });
  await lines.getByText('the copy has begun').waitFor();
  await at.getByText('Live', { exact: true }).waitFor();
  const times: number[] = [];
  for (let round = 0; round < 12; round++) {
    const text = `line ${round} of the bench`;
    await delay(130 * round);
    const begun = performance.now();
    await hub.log(text);
    await lines.getByText(text).waitFor();
    times.push((performance.now() - begun) / 1000);
  }
  await at.context().close();
  return [
    { name: 'a line of a log on the screen: median', value: median(times), unit: 's' },
    { name: 'a line of a log on the screen: slowest', value: Math.max(...times), unit: 's', goal: 1 },
  ];
}
