import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { all } from '../support/rounds.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Everything that WCAG 2.2 AA asks for, and what of it depends on colours or on the size of the window. */
const standard = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'];
const ofColours = ['color-contrast', 'link-in-text-block'];
const ofSize = ['target-size', 'scrollable-region-focusable'];

/**
 * What axe finds against WCAG 2.2 AA, as short lines. The policy for content lets no script in, so the debugger runs it.
 * @param rules only these, for a screen that was judged by all of them in another look
 */
export async function findings(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate('"axe" in globalThis'))) await page.evaluate(axe);
  return page.evaluate(async (runOnly) => {
    const { axe: checker } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    // It need not describe what is right, nor load each style sheet again: that takes most of its time.
    const { violations } = await checker.run({ resultTypes: ['violations'], preload: false, runOnly });
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
  }, toRun(rules));
}

const toRun = (rules: readonly string[] | undefined): { readonly type: string; readonly values: readonly string[] } =>
  rules ? { type: 'rule', values: rules } : { type: 'tag', values: standard };

const wide = { width: 1440, height: 900 };

/** How people look at a screen, and what axe then judges beside the first look: the same elements have the same names and roles. */
const looks = [
  { colorScheme: 'light', viewport: wide },
  { colorScheme: 'dark', viewport: wide, rules: ofColours },
  { forcedColors: 'active', viewport: wide, rules: ['link-in-text-block'] },
  { colorScheme: 'dark', viewport: { width: 375, height: 800 }, rules: ofSize },
] as const;

/** Colours on their way from one look to the next are those of neither. */
const settled = (page: Page): Promise<unknown> =>
  page.evaluate(`(async () => {
    const under = () => document.getAnimations().filter((one) => one instanceof CSSTransition);
    for (let moves = under(); moves.length > 0; moves = under())
      await Promise.allSettled(moves.map(({ finished }) => finished));
  })()`);

/**
 * What is on the screen is sound in each look: axe finds nothing, and nothing is wider than the window. `npm run test:all` lets axe judge
 * everything in each look. `SCREENS=FOLDER` keeps a picture of each, for whoever looks at them. The window is 1280 × 800 afterwards.
 */
export async function soundInEachLook(page: Page, name: string): Promise<void> {
  for (const [index, look] of looks.entries()) {
    const { viewport, rules, ...media } = { rules: undefined, ...look };
    await page.emulateMedia({ colorScheme: null, forcedColors: null, ...media });
    await page.setViewportSize(viewport);
    await settled(page);
    expect(await findings(page, all ? undefined : rules), `${name} ${JSON.stringify(media)}`).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), name).toBe(true);
    const folder = process.env['SCREENS'];
    if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}-${index}.png`, fullPage: true });
  }
  await page.emulateMedia({ colorScheme: null, forcedColors: null });
  await page.setViewportSize({ width: 1280, height: 800 });
}
