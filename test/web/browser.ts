import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { chromiumProgram, chromiumWords } from './chromium.ts';

/** A wait for the page takes no longer, ms: Playwright's 30 s are not enough on a loaded machine. */
const mostMs = 200_000;

/**
 * For tests: the Chromium that all test files of a run share (`shared-browser.ts`). What is closed is the connection to it, with the
 * pages that were opened over it.
 */
export async function openBrowser(): Promise<Browser> {
  const { sharedBrowser } = await import('./shared-browser.ts');
  return chromium.connectOverCDP(await sharedBrowser(), { timeout: mostMs });
}

/** For tools, which are no tests. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumProgram, args: [...chromiumWords], handleSIGINT: false, timeout: mostMs });

export interface Opened extends AsyncDisposable {
  readonly page: Page;
  /** What the browser complains of: errors of scripts, and what the policy for content refused. */
  readonly complaints: string[];
}

/** A page of its own, without animations, which keeps what the browser complains of. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(mostMs);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
  });
  return { page, complaints, [Symbol.asyncDispose]: () => context.close() };
}
