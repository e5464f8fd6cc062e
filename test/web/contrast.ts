/** How far texts, edges and charts stand out from their ground, beyond what axe looks at. */
import type { CDPSession, Page } from 'playwright-core';
import { expect } from 'vitest';

/** A part of the page, as far as this looks at it. */
interface Part {
  readonly tagName: string;
  readonly className: unknown;
  readonly textContent: string;
  readonly parentElement: Part | null;
  readonly childNodes: Iterable<{ readonly nodeType: number; readonly textContent: string }>;
  readonly value?: string;
  readonly placeholder?: string;
  checkVisibility(options: object): boolean;
  closest(selector: string): Part | null;
  matches(selector: string): boolean;
  setAttribute(name: string, value: string): void;
  querySelectorAll(selector: string): Iterable<Part>;
  getBoundingClientRect(): { readonly width: number; readonly height: number };
}
type Style = Readonly<Record<string, string>>;
type Rgba = readonly [red: number, green: number, blue: number, alpha: number];
declare const document: Part & {
  getAnimations(): readonly {
    readonly finished: Promise<unknown>;
    readonly effect: { getComputedTiming(): { readonly endTime?: unknown } } | null;
  }[];
  createElement(name: 'canvas'): { getContext(kind: '2d', options: object): unknown };
};
declare function getComputedStyle(part: Part, pseudo?: string): Style;

/** What draws: bars, days, marks, dots. Each has to be seen on what is behind it. */
const filled = '.meter > span, .bar-track > span, .lane > span, .tally span, .growth-bars li > :first-child';
const drawn = `${filled}, .strip path, .mark svg, .pulse, .chain .link`;

/**
 * What stands out too little in what is on the screen, as short lines: texts and placeholders at 4.5:1 (3:1 if they are large), the edges
 * of fields, the outline of what has the focus and what charts draw at 3:1. What is disabled is left out.
 */
export const faint = (page: Page, within: string): Promise<string[]> =>
  page.evaluate(faintIn, { within, filled, drawn });

function faintIn(asked: { readonly within: string; readonly filled: string; readonly drawn: string }): string[] {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true }) as {
    fillStyle: string;
    clearRect(...box: number[]): void;
    fillRect(...box: number[]): void;
    getImageData(...box: number[]): { readonly data: readonly number[] };
  };
  const known = new Map<string, Rgba>();
  const rgba = (text: string): Rgba => {
    const before = known.get(text);
    if (before) return before;
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data;
    const found: Rgba = [red, green, blue, alpha / 255];
    known.set(text, found);
    return found;
  };
  const over = ([red, green, blue, alpha]: Rgba, [r, g, b]: Rgba): Rgba => [
    red * alpha + r * (1 - alpha),
    green * alpha + g * (1 - alpha),
    blue * alpha + b * (1 - alpha),
    1,
  ];
  const grounds = new Map<Part, Rgba>();
  const ground = (part: Part | null): Rgba => {
    if (!part) return [255, 255, 255, 1];
    const before = grounds.get(part);
    if (before) return before;
    const own = rgba(getComputedStyle(part)['backgroundColor'] ?? 'transparent');
    const found = own[3] === 1 ? own : over(own, ground(part.parentElement));
    grounds.set(part, found);
    return found;
  };
  const opacities = new Map<Part, number>();
  const opacity = (part: Part | null): number => {
    if (!part) return 1;
    const found = opacities.get(part) ?? Number(getComputedStyle(part)['opacity']) * opacity(part.parentElement);
    opacities.set(part, found);
    return found;
  };
  const light = ([red, green, blue]: Rgba): number => {
    const [r = 0, g = 0, b = 0] = [red, green, blue].map((one) => {
      const part = one / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (color: string, behind: Rgba, share = 1): number => {
    const [red, green, blue, alpha] = rgba(color);
    const [one, other] = [light(over([red, green, blue, alpha * share], behind)), light(behind)];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  const lines = new Set<string>();
  const say = (part: Part, what: string, found: number, wanted: number): void => {
    // A canvas rounds its colours.
    if (found < wanted - 0.03)
      lines.add(
        `${found.toFixed(2)} of ${wanted}: ${what} ${part.tagName.toLowerCase()}.${String(part.className)} ${part.textContent.trim().slice(0, 40)}`,
      );
  };
  const isOff = (part: Part): boolean =>
    part.matches(':disabled') || part.closest('fieldset:disabled, button:disabled, label:has(:disabled)') !== null;
  const isSeen = (part: Part): boolean => {
    const { width, height } = part.getBoundingClientRect();
    return width > 1 && height > 1 && part.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  };
  const [root] = document.querySelectorAll(asked.within);
  for (const part of root?.querySelectorAll('*') ?? []) {
    if (!isSeen(part) || isOff(part) || part.closest('.only-read, .skip:not(:focus)')) continue;
    const style = getComputedStyle(part);
    const behind = ground(part);
    const hasText = [...part.childNodes].some(
      ({ nodeType, textContent }) => nodeType === 3 && textContent.trim() !== '',
    );
    const size = Number.parseFloat(style['fontSize'] ?? '16');
    const large = size >= 24 || (size >= 18.66 && Number(style['fontWeight']) >= 700);
    if (hasText && !part.closest('option, svg'))
      say(part, 'text', ratio(style['color'] ?? '', behind, opacity(part)), large ? 3 : 4.5);
    if (part.matches('.strip text')) say(part, 'text', ratio(style['fill'] ?? '', behind, opacity(part)), 4.5);
    if (part.matches('input:not([type=checkbox], [type=radio]), select, textarea')) {
      say(part, 'value of', ratio(style['color'] ?? '', behind, opacity(part)), 4.5);
      say(part, 'edge of', ratio(style['borderTopColor'] ?? '', ground(part.parentElement)), 3);
      if (part.placeholder) {
        const { color = '', opacity: own = '1' } = getComputedStyle(part, '::placeholder');
        say(part, `placeholder ${part.placeholder} of`, ratio(color, behind, Number(own)), 4.5);
      }
    }
    if (part.matches(asked.drawn)) {
      const color = part.matches(asked.filled)
        ? style['backgroundColor']
        : part.matches('.chain .link')
          ? style['fill']
          : part.matches('.pulse')
            ? getComputedStyle(part, '::before')['backgroundColor']
            : style['color'];
      if (rgba(color ?? '')[3] > 0)
        say(part, 'drawing', ratio(color ?? '', ground(part.parentElement), opacity(part)), 3);
    }
    if (part.matches('a, button, input, select, textarea, summary') && style['outlineStyle'] !== 'none')
      say(part, 'outline of', ratio(style['outlineColor'] ?? '', ground(part.parentElement)), 3);
  }
  return [...lines];
}

/** What answers the mouse or the keyboard; one of each sort is enough. */
const answering = ['a', 'button', 'input', 'select', 'textarea', 'summary', 'tbody tr', '.file-line'];

function markOneOfEach(selector: string): void {
  const seen = new Set<string>();
  for (const part of document.querySelectorAll(selector)) {
    const sort = `${part.parentElement?.closest('[class]')?.className} ${part.tagName}.${part.className} ${part.matches('[aria-current], [aria-pressed=true], .today')}`;
    if (!seen.has(sort)) part.setAttribute('data-forced', '');
    seen.add(sort);
  }
}

/** The browser shows what answers as if the mouse was over it and it had the focus, until `detach` of what it returns. */
export async function forceStates(page: Page, within: string): Promise<CDPSession> {
  await page.evaluate(markOneOfEach, answering.map((one) => `${within} ${one}`).join());
  const session = await page.context().newCDPSession(page);
  await Promise.all([session.send('DOM.enable'), session.send('CSS.enable')]);
  const { root } = await session.send('DOM.getDocument', { depth: 0 });
  const { nodeIds } = await session.send('DOM.querySelectorAll', { nodeId: root.nodeId, selector: '[data-forced]' });
  const forcedPseudoClasses = ['hover', 'focus', 'focus-visible'];
  await Promise.all(
    nodeIds.map((nodeId) =>
      session.send('CSS.forcePseudoState', { nodeId, forcedPseudoClasses }).catch((error: unknown) => {
        // A page that goes on has drawn it anew meanwhile.
        if (!String(error).includes('Could not find node')) throw error;
      }),
    ),
  );
  return session;
}

/** With the mouse over what answers it, and the focus there: axe looks at the rest. */
export async function standsOut(page: Page, within: string, name: string): Promise<void> {
  const states = await forceStates(page, within);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    // Colours change slowly: half-way they stand out from nothing.
    await page.evaluate(async () => {
      const ending = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
      await Promise.allSettled(ending.map(({ finished }) => finished));
    });
    expect.soft(await faint(page, within), `${name}, ${colorScheme}`).toEqual([]);
  }
  await states.detach();
}
