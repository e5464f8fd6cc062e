import { posix } from 'node:path';

/**
 * What is wrong with the links of finished pages.
 *
 * @param files the site: paths from its root, and the text of what is HTML or CSS
 * @returns sentences, one for each link that leads nowhere and for each thing that a page would load from elsewhere
 */
export function wrongLinks(files: ReadonlyMap<string, string>): string[] {
  const fragments = new Map([...files].map(([url, html]) => [url, new Set(matches(html, /\sid="([^"]*)"/g))]));
  return [...files].flatMap(([url, html]) => {
    const loaded = matches(
      html,
      /<(?:link|script|img|iframe|source|video|audio|object|embed)\s[^>]*?(?:href|src|data)="([^"]*)"/g,
    );
    if (url.endsWith('.css')) loaded.push(...matches(html, /(?:url\(|@import)\s*['"]?([^'")\s]+)/g));
    const foreign = loaded.filter((target) => isForeign(target)).map((target) => `${url} loads ${target}`);
    const broken = [...matches(html, /<a\s[^>]*?href="([^"]*)"/g), ...loaded]
      .filter((target) => !isForeign(target) && !leadsSomewhere(url, target, fragments))
      .map((target) => `${url}: ${target} leads nowhere`);
    return [...foreign, ...new Set(broken)];
  });
}

const matches = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1] ?? '');

const isForeign = (target: string): boolean => /^([a-z][a-z0-9+.-]*:|\/\/)/i.test(target);

function leadsSomewhere(url: string, target: string, fragments: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const [path = '', fragment] = decodeURI(target.replaceAll('&amp;', '&')).split('#');
  const there = fragments.get(path === '' ? url : posix.join(posix.dirname(url), path));
  return there !== undefined && (fragment === undefined || there.has(fragment));
}
