import { Agent, get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, BrowserContext } from 'playwright-core';
import { cpuOf, residentOf } from '../tunnel/process-figures.ts';
import type { BigHub } from './big-hub.ts';
import type { Figure } from './goals.ts';

const openPages = 50;
/** How long they are watched, ms. */
const watchedMs = 30_000;
/** Between two changes of the database, and of the log of a run, meanwhile, ms. */
const changeMs = 5000;
/** How long a page in Chromium is listened to, after a change, ms. */
const listenMs = 4000;

/** What a screen does: the stream of events that it opens, and what it asks once something has changed. */
interface Habits {
  readonly stream: string;
  readonly asks: readonly string[];
}

/**
 * What 50 open pages cost the hub. Four screens in Chromium show what a page asks; then 50 clients do the same. So many pages in one
 * Chromium would take all of the machine, and the hub would wait for them.
 * @param state cookies of who is logged in
 */
export async function manyClients(
  browser: Browser,
  hub: BigHub,
  state: Awaited<ReturnType<BrowserContext['storageState']>>,
): Promise<Figure[]> {
  const idle = residentOf([hub.pid]);
  const habits: Habits[] = [];
  for (const place of ['/', '/runs', '/vms/vm0042', `/runs/${hub.examples.live}`]) {
    const context = await browser.newContext({ storageState: state });
    habits.push(await habitsOf(context, hub, place));
    await context.close();
  }
  const cookie = state.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  await using clients = new AsyncDisposableStack();
  for (let number = 0; number < openPages; number++) {
    const own = habits[number % habits.length];
    if (own) clients.use(client(hub.url, cookie, own));
  }
  await delay(changeMs);
  const before = cpuOf([hub.pid]);
  const begun = performance.now();
  let most = 0;
  while (performance.now() - begun < watchedMs) {
    hub.change();
    await hub.log('50 pages look');
    await delay(changeMs);
    most = Math.max(most, residentOf([hub.pid]));
  }
  const share = ((cpuOf([hub.pid]) - before) / (performance.now() - begun)) * 100_000;
  const pages = `${openPages} open pages, a change every ${changeMs / 1000} s`;
  return [
    { name: `${pages}: of a core`, value: share, unit: '%', goal: 10 },
    { name: `${pages}: memory that they cost`, value: (most - idle) / 1e6, unit: 'MB', goal: 150 },
    { name: 'memory of the hub with them', value: most / 1e6, unit: 'MB' },
  ];
}

async function habitsOf(context: BrowserContext, hub: BigHub, place: string): Promise<Habits> {
  const page = await context.newPage();
  let stream = '';
  const asks = new Set<string>();
  page.on('request', (request) => {
    const { pathname, search } = new URL(request.url());
    if (!pathname.startsWith('/api/')) return;
    if (pathname === '/api/v1/events') stream = pathname + search;
    else asks.add(pathname + search);
  });
  await page.goto(`${hub.url}${place}`);
  await page.getByText('Live', { exact: true }).waitFor();
  await delay(listenMs);
  asks.clear();
  hub.change();
  await hub.log('a page looks');
  await delay(listenMs);
  return { stream, asks: [...asks] };
}

/** A page as far as the hub can tell. */
function client(url: string, cookie: string, { stream, asks }: Habits): Disposable {
  const agent = new Agent({ keepAlive: true, maxSockets: 6 });
  const tags = new Map<string, string>();
  const ask = (path: string): void => {
    const tag = tags.get(path);
    const headers = { cookie, accept: 'application/json', ...(tag === undefined ? {} : { 'if-none-match': tag }) };
    get(`${url}${path}`, { agent, headers }, (answer) => {
      if (![200, 304].includes(answer.statusCode ?? 0)) throw new Error(`${path}: ${answer.statusCode}`);
      const { etag } = answer.headers;
      if (etag !== undefined) tags.set(path, etag);
      answer.resume();
    });
  };
  const events = get(`${url}${stream}`, { agent, headers: { cookie } }, (answer: IncomingMessage) => {
    createInterface({ input: answer })
      .on('line', (line) => {
        if (line === 'event: change') for (const path of asks) ask(path);
      })
      .on('error', () => undefined);
  });
  events.on('error', () => undefined);
  for (const path of asks) ask(path);
  return {
    [Symbol.dispose]: () => {
      events.destroy();
      agent.destroy();
    },
  };
}
