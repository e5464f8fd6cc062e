import { type Section } from './markdown.ts';
import { urlOf } from './pages.ts';

/**
 * A script with all that can be found: for each section its address, the title of its page, its heading and its text. A script, because a
 * page that was opened from a file may load one, but no JSON.
 */
export function searchIndex(pages: ReadonlyMap<string, readonly Section[]>): string {
  const rows = [...pages]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([file, sections]) => {
      const title = sections[0]?.heading ?? file;
      return sections.map((section, at) => {
        const url = at === 0 ? urlOf(file) : `${urlOf(file)}#${section.id}`;
        return [url, title, at === 0 ? '' : section.heading, section.text.replaceAll(/\s+/g, ' ').trim()];
      });
    });
  return `window.searchRows = [\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n];\n`;
}
