/** Every screen that the source lists, on a phone, a tablet and a very wide window, in dark and in forced colours. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, openPage, type Opened } from './browser.ts';
import { builtPage } from './built-page.ts';
import { standIn, type StandIn } from './stand-in.ts';
import { everyPlace, wholeWorld } from './whole-world.ts';

const widths = [320, 768, 2560] as const;
const looks = [{ forcedColors: null }, { forcedColors: 'active' }] as const;

let browser: Browser;
let at: StandIn;
let opened: Opened;

beforeAll(async () => {
  browser = await openBrowser();
  at = await standIn(wholeWorld({ now: Date.now() }), { folder: builtPage });
  opened = await openPage(browser, { colorScheme: 'dark' });
});
afterAll(async () => {
  await opened?.[Symbol.asyncDispose]();
  await at?.[Symbol.asyncDispose]();
  await browser?.close();
});

/** A part of the page, as far as this looks at it. */
interface Part {
  readonly outerHTML: string;
  readonly parentElement: Part | null;
  checkVisibility(options: object): boolean;
  focus(options: object): void;
  matches(selector: string): boolean;
  querySelectorAll(selector: string): Iterable<Part>;
}

declare const document: Part & {
  readonly documentElement: { readonly scrollWidth: number };
  readonly activeElement: Part;
};
declare const innerWidth: number;
declare function getComputedStyle(part: Part): Readonly<Record<string, string>>;

/** What can have the focus and does not show it: an outline of 2 px that is not there otherwise, at it or at what it stands for. */
function withoutMark(): string[] {
  // A list marks the line that is meant, the editor its frame.
  const marked = (part: Part): Part[] => [
    part,
    ...part.querySelectorAll('.active'),
    ...(part.parentElement?.matches('.cm-scroller') && part.parentElement.parentElement
      ? [part.parentElement.parentElement]
      : []),
  ];
  const outlines = (part: Part): string[] =>
    marked(part).map((one) => {
      const { outlineStyle = 'none', outlineWidth = '0px', outlineColor = '' } = getComputedStyle(one);
      const drawn =
        outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2 && !/^rgba.*, 0\)$/.test(outlineColor);
      return drawn ? `${outlineStyle} ${outlineWidth} ${outlineColor}` : '';
    });
  const all = [
    ...document.querySelectorAll(
      'a[href], button, input, select, textarea, summary, [tabindex="0"], [contenteditable="true"]',
    ),
  ];
  return all
    .filter((part) => part.checkVisibility({ visibilityProperty: true }) && !part.matches(':disabled, .skip'))
    .flatMap((part) => {
      const before = outlines(part);
      part.focus({ preventScroll: true });
      if (document.activeElement !== part) return [];
      return outlines(part).some((outline, index) => outline !== '' && outline !== before[index])
        ? []
        : [part.outerHTML.slice(0, 120)];
    });
}

const others = [
  { address: '/nowhere', shows: 'No screen has this address.' },
  { address: '/', shows: 'Password', loggedIn: false },
] as const;

test.each([...everyPlace(), ...others])('$address ($shows) fits, and shows what has the focus', async (place) => {
  const { page, complaints } = opened;
  at.loggedIn = !('loggedIn' in place);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(`${at.url}${place.address}`);
  await page.getByRole('main').getByText(place.shows).first().waitFor();
  // From here on the browser shows the focus, as it does for whoever uses the keyboard.
  await page.keyboard.press('Tab');
  for (const look of looks) {
    await page.emulateMedia(look);
    for (const width of widths) {
      await page.setViewportSize({ width, height: 800 });
      const where = `${width} px, ${JSON.stringify(look)}`;
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), where).toBeLessThanOrEqual(
        0,
      );
      expect(await page.evaluate(withoutMark), where).toEqual([]);
    }
  }
  expect(complaints).toEqual([]);
});

test('a short list of files and a short plan take no more room than they need', async () => {
  const { page } = opened;
  at.loggedIn = true;
  await page.setViewportSize({ width: 1280, height: 900 });
  const bottom = async (selector: string): Promise<number> => {
    const box = await page.locator(selector).last().boundingBox();
    return (box?.y ?? 0) + (box?.height ?? 0);
  };
  const places = everyPlace();
  await page.goto(`${at.url}${places.find(({ shows }) => shows === 'picture.png')?.address}`);
  await page.getByText('picture.png').waitFor();
  expect((await bottom('.file-grid')) - (await bottom('.file-rows .file-line'))).toBeLessThanOrEqual(2);
  await page.goto(`${at.url}${places.find(({ shows }) => shows === 'retention')?.address}`);
  await page.getByText('retention').first().waitFor();
  expect((await bottom('.plan-file-frame')) - (await bottom('.cm-line'))).toBeLessThan(60);
});
